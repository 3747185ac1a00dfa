// SIGSTOP is no death: what is stopped keeps what it has, and nobody waits for it.
#include <doctest/doctest.h>

#include "process/named_session.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::require;
using mobula::support::run_isolated;

namespace {

constexpr std::size_t kMiB = 1u << 20;

int add(int a, int b) { return a + b; }
int sleep_ms(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return wait_ms;
}
std::string make_text(int bytes, int letter) {
  return std::string(static_cast<std::size_t>(bytes), static_cast<char>(letter));
}
// Holds an object and waits for the file "go" in the folder.
int hold_until_told(std::string folder) {
  const auto held = ray::Put(make_text(3 * kMiB, 'w'));
  announce(folder);
  while (!std::filesystem::exists(folder + "/go")) ::usleep(1'000);
  require(*held.Get() == make_text(3 * kMiB, 'w'), "what a stopped worker held");
  return ::getpid();
}

RAY_REMOTE(add, sleep_ms, make_text, hold_until_told);

int stop_ms() {
  const char *text = std::getenv("MOBULA_STOP_SECONDS");
  return text == nullptr ? 2'000 : std::atoi(text) * 1'000;
}

// A driver of the session at work as long as others are stopped: all of it must go on as ever.
void work(const std::string &session, int duration_ms) {
  Child driver([&session, duration_ms] {
    join(session, [duration_ms] {
      const auto start = Clock::now();
      for (int round = 0; milliseconds_since(start) < duration_ms; ++round) {
        const auto step = Clock::now();
        for (int i = 0; i < 20; ++i) require(*ray::Put(i).Get() == i, "a put");
        const auto shared = ray::Put(make_text(300'000, 's'));
        shared.ID();
        std::vector<ray::ObjectRef<int>> sums;
        for (int i = 0; i < 20; ++i) sums.push_back(ray::Task(add).Remote(i, round));
        for (int i = 0; i < 20; ++i) require(*sums[static_cast<std::size_t>(i)].Get() == i + round, "a task");
        // More than the store has left: others' objects must go, and only those that nobody holds.
        for (int i = 0; i < 4; ++i)
          require(ray::Put(make_text(8 * kMiB, 'p')).Get()->size() == 8 * kMiB, "a large put");
        require(ray::Task(make_text).Remote(static_cast<int>(kMiB), 'r').Get()->size() == kMiB, "a large result");
        require(milliseconds_since(step) < 1'500, "work waits for whoever is stopped");
      }
    });
  });
  CHECK(driver.wait(duration_ms + 20'000).exit_code == 0);
}

// Holds objects of every kind, has tasks under way and a thread's worth of Get, and is stopped in the middle.
void hold_all(const std::string &go) {
  const auto small = ray::Put(make_text(50, 'a'));
  const auto block = ray::Put(make_text(9'000, 'b'));
  const auto large = ray::Put(make_text(4 * kMiB, 'c'));
  const auto list = ray::Put(std::vector{small, block, large});
  const std::string id = ray::Put(make_text(700, 'd')).ID();  // dropped: may go
  const auto slow = ray::Task(sleep_ms).Remote(300);
  const auto result = ray::Task(make_text).Remote(200'000, 'e');
  say("holding");
  require(*slow.Get() == 300, "a task under way");
  while (!std::filesystem::exists(go)) ::usleep(1'000);
  require(*small.Get() == make_text(50, 'a') && *block.Get() == make_text(9'000, 'b'), "small objects");
  require(*large.Get() == make_text(4 * kMiB, 'c'), "a large object");
  require(list.Get()->at(2).Get()->size() == 4 * kMiB, "a container");
  require(*result.Get() == make_text(200'000, 'e'), "a result that came meanwhile");
  require(*ray::Task(add).Remote(1, 2).Get() == 3, "a task afterwards");
}

void touch(const std::string &path) { std::ofstream file(path); }

}  // namespace

TEST_SUITE("process/stopped") {
  TEST_CASE("a stopped driver keeps all it holds, nobody waits for it, and it goes on where it was") {
    CHECK(run_isolated(small_session(120'000), [] {
      const std::string go = case_folder() + "/go";
      const NamedSession session("still");
      Child stopped([&] { join("still", [&] { hold_all(go); }); });
      CHECK(stopped.read_line() == "holding");
      stopped.send_signal(SIGSTOP);
      work("still", stop_ms());
      CHECK(pids_in("still", "clients").size() >= 1);
      touch(go);
      stopped.send_signal(SIGCONT);
      CHECK(stopped.wait().exit_code == 0);
      CHECK(becomes_empty("still"));
      std::filesystem::remove(go);
    }));
  }

  TEST_CASE("a worker stopped in the middle of a task keeps it and what it holds; its driver's other tasks run") {
    CHECK(run_isolated(small_session(120'000), [] {
      const std::string folder = case_folder();
      const NamedSession session("still");
      join("still", [&] {
        const auto held = ray::Task(hold_until_told).Remote(folder);
        const pid_t worker = announced_pid(folder);
        ::kill(worker, SIGSTOP);
        work("still", stop_ms());
        for (int i = 0; i < 100; ++i) CHECK(*ray::Task(add).Remote(i, 1).Get() == i + 1);
        touch(folder + "/go");
        ::kill(worker, SIGCONT);
        CHECK(*held.Get() == worker);
      });
      CHECK(becomes_empty("still"));
      std::filesystem::remove(folder + "/go");
    }));
  }

  TEST_CASE("tasks do not wait for a worker that was stopped while it was idle") {
    CHECK(run_isolated(small_session(120'000), [] {
      const NamedSession session("still");
      join("still", [] {
        ray::Get(std::vector{ray::Task(sleep_ms).Remote(30), ray::Task(sleep_ms).Remote(30)});
        const std::vector<pid_t> workers = pids_in("still", "workers");
        CHECK(workers.size() >= 2);
        ::kill(workers.front(), SIGSTOP);
        for (int i = 0; i < 20; ++i) {
          const auto start = Clock::now();
          CHECK(*ray::Task(add).Remote(i, 1).Get(5'000) == i + 1);
          CHECK(milliseconds_since(start) < 1'000);
        }
        ::kill(workers.front(), SIGCONT);
      });
    }));
  }
}
