// The raylet's death, seen by drivers that are blocked in every way there is.
#include <doctest/doctest.h>
#include <sys/prctl.h>

#include <memory>

#include "crash/tasks.h"
#include "process/named_session.h"

using namespace mobula::process;
using mobula::crash::text_of;
using mobula::support::Child;
using mobula::support::require;
using mobula::support::run_isolated;
using ray::internal::RayException;

namespace {

constexpr int kRingSlots = 2048;

// Forgets that it is a child of the raylet, then waits for the raylet's death and fails.
int outlive_raylet_and_fail(std::string folder, int raylet) {
  ::prctl(PR_SET_PDEATHSIG, 0);
  announce(folder);
  for (int i = 0; i < 5'000 && !has_ended(raylet); ++i) ::usleep(1'000);
  throw std::runtime_error(std::string(400, 'x'));  // more than fits beside a header
}
int nap_for_ever() {
  for (;;) ::pause();
}

RAY_REMOTE(outlive_raylet_and_fail, nap_for_ever);

// The call throws, naming the raylet, and so does what comes after it.
void expect_end(const std::function<void()> &blocked_call) {
  say("blocked");
  const std::string text = text_thrown_by<RayException>(blocked_call);
  require(contains(text, "raylet"), "the blocked call threw: '" + text + "'");
  const auto start = Clock::now();
  for (const std::function<void()> &call :
       {std::function<void()>([] { ray::Put(1); }), std::function<void()>([] { ray::Put(text_of(3'000'000, 1)); }),
        std::function<void()>([] { ray::Task(nap_for_ever).Remote(); })}) {
    require(contains(text_thrown_by<RayException>(call), "raylet"), "a later call did not throw");
  }
  require(milliseconds_since(start) < 1'000, "later calls took their time");
}

void block_in_get() {
  const auto never = ray::Task(nap_for_ever).Remote();
  expect_end([&] { never.Get(); });
}
void block_in_wait() {
  const std::vector never{ray::Task(nap_for_ever).Remote(), ray::Task(nap_for_ever).Remote()};
  expect_end([&] { ray::Wait(never, 1, -1); });
}
void block_in_timed_get() {
  const auto never = ray::Task(nap_for_ever).Remote();
  expect_end([&] { never.Get(600'000); });
}
void block_in_put() {
  const auto most = ray::Put(text_of(5'000'000, 1));
  expect_end([] { ray::Put(text_of(5'000'000, 2)); });
}

// What the dead raylet left in its folder is no hindrance, and the next one clears it away.
void check_next_session() {
  const NamedSession next("mortal");
  join("mortal", [] { CHECK(*ray::Put(3).Get() == 3); });
}

// The store holds 8 MiB. All drivers are blocked when the raylet is killed.
void kill_raylet_under(const std::vector<void (*)()> &bodies) {
  const NamedSession session("mortal", {"--workers", "2", "--memory", "8MiB"});
  std::vector<std::unique_ptr<Child>> drivers;
  for (void (*body)() : bodies) {
    drivers.push_back(std::make_unique<Child>([body] { join("mortal", body); }));
    CHECK(drivers.back()->read_line() == "blocked");
  }
  ::usleep(100'000);  // so that they sleep
  std::vector<pid_t> others = process_tree(session.pid());
  const auto start = Clock::now();
  ::kill(session.pid(), SIGKILL);
  for (const auto &driver : drivers) CHECK(driver->wait(1'000).exit_code == 0);
  CHECK(milliseconds_since(start) < 1'000);
  CHECK(others.size() >= 3);
  CHECK(all_end(others));
}

// Its ring is full, the raylet is stopped, and it wants to submit.
void block_on_full_ring(pid_t raylet) {
  std::string stale = ray::Put(1).ID();
  stale[9] = static_cast<char>(stale[9] ^ 0x40);
  const auto object = ray::Put(2);
  ray::Task(mobula::crash::add).Remote(object, 1).Get();
  ::kill(raylet, SIGSTOP);
  for (int i = 0; i < kRingSlots + 10; ++i) {
    require(ray::ObjectRef<int>(stale).reference().empty(), "a name of no object");
  }
  expect_end([&object] { ray::Task(mobula::crash::add).Remote(object, 1); });
}

}  // namespace

TEST_SUITE("process/deaths_raylet") {
  TEST_CASE("drivers blocked in Get and Wait throw within a second, workers end, the name is free at once") {
    CHECK(run_isolated(small_session(), [] {
      for (int round = 0; round < 3; ++round) kill_raylet_under({block_in_get, block_in_wait, block_in_timed_get});
      check_next_session();
    }));
  }

  TEST_CASE("a driver blocked in Put, since the store is full, throws within a second") {
    CHECK(run_isolated(small_session(), [] {
      for (int round = 0; round < 3; ++round) kill_raylet_under({block_in_get, block_in_put});
      check_next_session();
    }));
  }

  TEST_CASE("a driver whose ring is full throws within a second") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("mortal", {"--workers", "2", "--memory", "8MiB"});
      Child driver([&] { join("mortal", [&] { block_on_full_ring(session.pid()); }); });
      CHECK(driver.read_line() == "blocked");
      ::usleep(100'000);
      CHECK_FALSE(has_ended(driver.pid()));
      ::kill(session.pid(), SIGKILL);
      CHECK(driver.wait(1'000).exit_code == 0);
      check_next_session();
    }));
  }

  TEST_CASE("a task that fails after the raylet's death does not say that the store was full") {
    CHECK(run_isolated(small_session(), [] {
      const std::string folder = case_folder();
      const NamedSession session("mortal");
      Child driver([&] {
        join("mortal", [&] {
          const auto result = ray::Task(outlive_raylet_and_fail).Remote(folder, static_cast<int>(session.pid()));
          expect_end([&] { result.Get(); });
        });
      });
      CHECK(driver.read_line() == "blocked");
      const pid_t worker = announced_pid(folder);
      driver.send_signal(SIGSTOP);  // it wakes when the task has failed, too
      ::kill(session.pid(), SIGKILL);
      CHECK(all_end({worker}));
      driver.send_signal(SIGCONT);
      CHECK(driver.wait(1'000).exit_code == 0);
      check_next_session();
    }));
  }
}
