#include "client/cancelled.h"

#include <doctest/doctest.h>

#include <thread>

#include "tasks/claim.h"

using namespace mobula;
using client::RunningTask;

namespace {

constexpr std::uint64_t kAsked = tasks::pack_claim(tasks::Claim::kCancelling, 5, 9);

struct Running {
  Running() {
    tasks::offer(word, 5, 9);
    tasks::claim(word, 5, 9);
  }
  void cancel() { tasks::ask_to_end(word, 5, 9); }
  segment::Word word{0};
};

bool seen_by_another_thread() {
  bool seen = false;
  std::thread([&seen] { seen = client::is_cancelled(); }).join();
  return seen;
}

}  // namespace

TEST_SUITE("client/cancelled") {
  TEST_CASE("a task sees that it is to end, threads of it as well, and it is known whether it looked") {
    CHECK_FALSE(client::is_cancelled());
    Running running;
    {
      const RunningTask task(running.word, kAsked, true);
      CHECK_FALSE(client::is_cancelled());
      CHECK_FALSE(task.is_cancelled());
      running.cancel();
      CHECK(task.is_cancelled());
      CHECK_FALSE(task.has_seen());
      CHECK(seen_by_another_thread());
      CHECK(task.has_seen());
      CHECK(client::is_cancelled());
    }
    CHECK_FALSE(client::is_cancelled());
    CHECK_FALSE(seen_by_another_thread());
    Running next;
    const RunningTask task(next.word, kAsked, true);
    CHECK_FALSE(task.has_seen());
  }

  TEST_CASE("tasks that run side by side see their own word only") {
    Running running;
    Running other;
    const RunningTask task(running.word, kAsked, false);
    other.cancel();
    std::thread([&other] {
      const RunningTask task_beside(other.word, kAsked, false);
      CHECK(client::is_cancelled());
      CHECK(task_beside.has_seen());
    }).join();
    CHECK_FALSE(client::is_cancelled());
    CHECK_FALSE(task.has_seen());
    running.cancel();
    CHECK(client::is_cancelled());
    CHECK_FALSE(seen_by_another_thread());  // which of them is meant, nobody knows
  }
}
