// References that nobody's handle keeps: in queued tasks, in containers, in results that are on their way.
#include <doctest/doctest.h>

#include "crash/chain.h"
#include "crash/tasks.h"
#include "process/named_session.h"

using namespace mobula::process;
using mobula::crash::Box;
using mobula::crash::check_chain;
using mobula::crash::kHops;
using mobula::crash::Plan;
using mobula::crash::start_chain;
using mobula::crash::text_of;
using mobula::support::Child;
using mobula::support::require;
using mobula::support::run_isolated;

namespace {

constexpr std::size_t kMiB = 1u << 20;

using Text = ray::ObjectRef<std::string>;

struct Shelf {
  std::string label;
  std::vector<std::vector<Text>> rows;
  MSGPACK_DEFINE(label, rows)
};

// Until the file "go" is there; "" does not wait.
void wait_for_go(const std::string &folder) {
  while (!folder.empty() && !std::filesystem::exists(folder + "/go")) ::usleep(1'000);
}
int count_when_told(std::string text, std::string folder) {
  wait_for_go(folder);
  return static_cast<int>(text.size());
}
int count_shelf_when_told(Shelf shelf, std::string folder) {
  wait_for_go(folder);
  int bytes = 0;
  for (const auto &row : shelf.rows) {
    for (const Text &text : row) bytes += static_cast<int>(text.Get()->size());
  }
  return bytes;
}
Shelf make_shelf(int bytes, int wait_ms) {
  mobula::crash::nap(wait_ms);
  const auto size = static_cast<std::size_t>(bytes);
  return {"made", {{ray::Put(text_of(size, 1))}, {ray::Put(text_of(size, 2)), ray::Put(text_of(10, 3))}}};
}

RAY_REMOTE(count_when_told, count_shelf_when_told, make_shelf);

std::uint64_t used_bytes(const std::string &session) { return number_after(status_of(session), "used_bytes"); }

// Submits and drops, then does not call into the library until it is killed.
void submit_and_idle(const std::function<void(const std::string &)> &submit) {
  ::setenv("RAY_ADDRESS", "idle", 1);
  ray::Init();
  require(*ray::Task(mobula::crash::add).Remote(1, 1).Get() == 2, "a first task");  // the workers are there
  submit(case_folder());
  say("idle");
  for (;;) ::pause();
}

// What a driver that stopped calling us dropped goes when the tasks have ended.
void check_idle(const std::function<void(const std::string &)> &submit) {
  const NamedSession session("idle");
  Child driver([&] { submit_and_idle(submit); });
  CHECK(driver.read_line() == "idle");
  CHECK(used_bytes("idle") > 4 * kMiB);  // the task runs, and needs it
  std::ofstream(case_folder() + "/go");
  CHECK(eventually([] { return used_bytes("idle") == 0; }));
  CHECK(becomes_empty("idle"));
  CHECK_FALSE(has_ended(driver.pid()));
  driver.kill();
  std::filesystem::remove(case_folder() + "/go");
}

// The whole chain with one worker that dies on the way.
void kill_worker_in_chain(int hop, bool late) {
  const Plan plan{case_folder(), hop, late, 0};
  check_chain(start_chain(plan));
  CHECK(std::filesystem::remove(case_folder() + "/struck"));
}

// The whole chain, and its driver dies on the way: killed by the hop.
void kill_driver_in_chain(const std::string &folder, int hop, bool late) {
  Child driver([&] {
    ::setenv("RAY_ADDRESS", "chain", 1);
    ray::Init();
    const auto box = start_chain({folder, hop, late, static_cast<int>(::getpid())});
    check_chain(box);
    for (;;) ::pause();  // the last boxes are built when nobody waits for them any more
  });
  CHECK(driver.wait().signal == SIGKILL);
  CHECK(becomes_empty("chain"));
  CHECK(std::filesystem::remove(folder + "/struck"));
}

}  // namespace

TEST_SUITE("process/in_flight") {
  TEST_CASE("arguments of queued tasks stay when their driver has dropped its handles, and go with the tasks") {
    CHECK(in_session(small_session(30'000, {{"MOBULA_WORKERS", "1"}}), [] {
      std::vector<ray::ObjectRef<int>> counts{ray::Task(count_when_told).Remote(std::string("first"), case_folder())};
      for (int i = 1; i < 10; ++i) {
        counts.push_back(ray::Task(count_when_told).Remote(ray::Put(text_of(3 * kMiB, i)), ""));
        const Shelf shelf{"queued", {{}, {ray::Put(text_of(kMiB, i)), ray::Put(text_of(100, i))}}};
        counts.push_back(ray::Task(count_shelf_when_told).Remote(ray::Put(shelf), ""));
        counts.push_back(ray::Task(count_shelf_when_told).Remote(shelf, ""));
      }
      for (int i = 0; i < 500; ++i) ray::Put(text_of(100'000, i));  // uses what was freed too early, if anything was
      std::ofstream(case_folder() + "/go");
      for (std::size_t i = 1; i < counts.size(); ++i) {
        CHECK(*counts[i].Get() == static_cast<int>(i % 3 == 1 ? 3 * kMiB : kMiB + 100));
      }
      counts.clear();
      std::filesystem::remove(case_folder() + "/go");
      CHECK(becomes_empty(own_session()));
    }));
  }

  TEST_CASE("an idle driver holds nothing it dropped: an argument goes when its task ends") {
    CHECK(run_isolated(small_session(), [] {
      check_idle(
          [](const std::string &folder) { ray::Task(count_when_told).Remote(ray::Put(text_of(6 * kMiB, 1)), folder); });
      check_idle([](const std::string &folder) {
        auto argument = ray::Put(text_of(6 * kMiB, 1));
        auto result = ray::Task(count_when_told).Remote(argument, folder);
        argument = {};
        result = {};
      });
    }));
  }

  TEST_CASE("an idle driver holds nothing it dropped: what a container in an argument contains goes, too") {
    CHECK(run_isolated(small_session(), [] {
      check_idle([](const std::string &folder) {
        Shelf shelf{"argument", {{ray::Put(text_of(5 * kMiB, 1))}, {ray::Put(text_of(50, 2))}}};
        const auto stored = ray::Put(shelf);
        shelf = {};
        ray::Task(count_shelf_when_told).Remote(stored, folder);
      });
      check_idle([](const std::string &folder) {
        const Shelf shelf{"argument", {{ray::Put(text_of(5 * kMiB, 1))}, {ray::Put(text_of(50, 2))}}};
        ray::Task(count_shelf_when_told).Remote(shelf, folder);
      });
    }));
  }

  TEST_CASE("results that are dropped before they land leave nothing, with all that they contain") {
    CHECK(in_session([] {
      for (int i = 0; i < 20; ++i) {
        ray::Task(make_shelf).Remote(static_cast<int>(kMiB), i % 3);
        ray::Task(count_shelf_when_told).Remote(ray::Task(make_shelf).Remote(200'000, 1), "");
        start_chain({});
      }
      CHECK(becomes_empty(own_session()));
    }));
  }

  TEST_CASE("a reference in a vector in a struct is passed on and returned by task after task") {
    CHECK(in_session([] {
      for (int i = 0; i < 10; ++i) {
        auto shelf = ray::Task(make_shelf).Remote(50'000, 0);
        CHECK(*ray::Task(count_shelf_when_told).Remote(shelf, "").Get() == 100'010);
        const Text one = shelf.Get()->rows[1][0];
        shelf = {};
        CHECK(*one.Get() == text_of(50'000, 2));
        check_chain(start_chain({}));
      }
      CHECK(becomes_empty(own_session()));
    }));
  }

  TEST_CASE("a worker killed at any hop of nested results that are passed on: they arrive, and nothing is left") {
    CHECK(in_session([] {
      for (int hop = 0; hop < kHops; ++hop) {
        CAPTURE(hop);
        kill_worker_in_chain(hop, false);
        kill_worker_in_chain(hop, true);
        CHECK(becomes_empty(own_session()));
      }
    }));
  }

  TEST_CASE("a driver killed at any hop of nested results that are passed on leaves nothing") {
    CHECK(run_isolated(small_session(60'000), [] {
      const std::string folder = case_folder();
      const NamedSession session("chain");
      for (int hop = 0; hop < kHops; ++hop) {
        CAPTURE(hop);
        kill_driver_in_chain(folder, hop, false);
        kill_driver_in_chain(folder, hop, true);
      }
      join("chain", [] { check_chain(start_chain({})); });
    }));
  }
}
