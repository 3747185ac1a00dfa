// The raylet killed at every point that it passes.
#include <doctest/doctest.h>

#include <cstring>
#include <thread>

#include "crash/crash_case.h"
#include "refs/object_id.h"

using namespace mobula::crash;
using namespace mobula::process;
using mobula::support::Child;
using mobula::support::require;
using mobula::support::run_isolated;
using ray::internal::RayException;
using ray::internal::RayWorkerException;

namespace {

constexpr int kTakesMax = 50;
constexpr int kObjects = 20;
constexpr int kGroupTakes = 10;

void say_ready() {
  std::puts("ready");
  std::fflush(stdout);
}

// `call` throws because the raylet is dead, and so does every later call.
template <typename Call>
void expect_end(Call call) {
  const std::string text = text_thrown_by<RayException>(call);
  require(contains(text, "raylet"), "the call threw: '" + text + "'");
  require(contains(text_thrown_by<RayException>([] { ray::Put(std::string(1'000'000, 'x')); }), "raylet"), "Put");
  require(contains(text_thrown_by<RayException>([] { ray::Put(1); }), "raylet"), "a small Put");
  require(contains(text_thrown_by<RayException>([] { ray::Task(add).Remote(1, 1); }), "raylet"), "Remote");
}

// One thread in Get, one in Wait.
void block() {
  const auto never = ray::Task(nap).Remote(600'000);
  std::thread other([&never] { expect_end([&never] { ray::Wait(std::vector<ray::ObjectRef<int>>{never}, 1, -1); }); });
  say_ready();
  expect_end([&never] { never.Get(); });
  other.join();
}

// Everything, with workers that die, until the raylet does.
void be_busy() {
  say_ready();
  expect_end([] {
    for (int seed = 0;; ++seed) {
      exercise(seed);
      const std::string text = text_thrown_by<RayWorkerException>([seed] { ray::Task(die).Remote(seed).Get(); });
      require(contains(text, "signal 9"), "a task whose worker is killed each time");
    }
  });
}

// Takes objects by their ids while the raylet, stopped at its nth pass of `point`, has one or all of them EVICTING.
// `role` is then to die at `then`.
void take_while_stopped(const Session &session, Page &page, CrashPoint point, int nth, CrashRole role,
                        std::optional<CrashPoint> then) {
  ray::Task(add).Remote(1, 1).Get();  // what follows finds its entries in our pools
  std::vector<std::string> ids;
  {
    std::vector<Text> objects;
    for (int i = 0; i < kObjects; ++i) objects.push_back(ray::Put(text_of(100, 3)));
    for (const Text &object : objects) ids.push_back(object.ID());
    page.arm(CrashRole::kRaylet, point, nth, SIGSTOP);
  }
  const auto wakes_raylet = ray::Task(add).Remote(1, 1);
  require(eventually([&] { return session.is_stopped(); }), "the raylet does not stop");
  if (then) page.arm(role, *then, 1);
  const std::vector<Text> taken(ids.begin(), ids.end());
  ::kill(session.pid(), SIGCONT);
  for (const Text &one : taken) {
    require(one.reference().empty() || *one.Get() == text_of(100, 3), "what was rescued");
  }
}

std::uint32_t entry_of(const std::string &id) {
  std::uint32_t entry = 0;
  std::memcpy(&entry, id.data() + mobula::refs::kEpochBytes, sizeof entry);
  return entry;
}

// Takes members of a cycle while the raylet, stopped, has flagged them all and not yet looked who has come. Both are
// taken, the one that leads to the other's verdict first or second.
void rescue_group(const Session &session, Page &page, int number, bool dies) {
  auto cycle = make_cycle(number);
  std::vector<std::string> ids{cycle[0].ID(), cycle[1].ID()};
  // The verdict is on the lower entry. Only who comes to the other one has to rescue it first.
  const bool other_first = dies || number % 2 != 0;
  if ((entry_of(ids[0]) < entry_of(ids[1])) == other_first) std::swap(ids[0], ids[1]);
  cycle.clear();
  require(eventually([&] { return number_after(status_of(session.name()), "queued") == 0; }), "rest");
  page.arm(CrashRole::kRaylet, CrashPoint::kRayletFlagged, 2, SIGSTOP);
  Child collector([&] { drive(session.name(), nullptr, [] { mobula::collect_cycles(); }); });
  require(eventually([&] { return session.is_stopped(); }), "the raylet does not stop");
  if (dies) page.arm(CrashRole::kClient, CrashPoint::kGroupRescued, 1);
  for (const std::string &id : ids) {
    const ray::ObjectRef<Crate> taken(id);
    require(!taken.reference().empty(), "rescued");
    if (!dies) ::kill(session.pid(), SIGCONT);
    if (!dies) require(is_whole(taken, number), "whole");
  }
  check_right(collector, "the one who asked for the pass");
}

// EVICTING is taken back when a holder comes between the raylet's looks. Specs and results of the tasks around are
// freed in the same batch, so the nth flagged entry need not be one of ours.
void be_rescuing(const Session &session, Page &page) {
  say_ready();
  expect_end([&] {
    for (int i = 0; i < kTakesMax; ++i) {
      take_while_stopped(session, page, CrashPoint::kRayletFlagged, i % kObjects + 1, CrashRole::kRaylet,
                         CrashPoint::kRayletCancelled);
    }
  });
}

// What is below the raylet now, and whoever has passed a point meanwhile: workers.
std::vector<pid_t> others_of(const Session &session, const Page &page, const std::vector<pid_t> &before) {
  std::vector<pid_t> others = page.processes();
  others.insert(others.end(), before.begin(), before.end());
  std::erase(others, session.pid());
  return others;
}

void kill_raylet_at(CrashPoint point, int nth, const Session &session, Page &page) {
  Child blocked([&] { drive(session.name(), nullptr, block); });
  require(blocked.read_line() == "ready", "a driver");
  Child busy([&] {
    drive(session.name(), nullptr, [&] {
      if (point == CrashPoint::kRayletCancelled) return be_rescuing(session, page);
      be_busy();
    });
  });
  require(busy.read_line() == "ready", "a driver");
  const std::vector<pid_t> before = process_tree(session.pid());
  if (point != CrashPoint::kRayletCancelled) page.arm(CrashRole::kRaylet, point, nth);
  require(eventually([&] { return has_ended(session.pid()); }), "nobody was killed");
  const auto died = Clock::now();
  check_right(blocked, "a driver that was blocked", 1'000);
  check_right(busy, "a driver that was busy", 1'000);
  require(milliseconds_since(died) < 1'000, "drivers noticed late");
  require(all_end(others_of(session, page, before)), "a worker or the template lives on");
}

// Each session begins at once after the last one's death, under the same name.
void check_kills(int nth) {
  CHECK(run_isolated({.time_limit_ms = 120'000}, [nth] {
    Page page;
    for (const NamedPoint &named : all_points()) {
      if (!is_raylet_point(named.point)) continue;
      try {
        page.disarm();
        const Session session("crash", &page);
        kill_raylet_at(named.point, nth, session, page);
      } catch (const std::exception &problem) {
        throw std::runtime_error(std::string(named.name) + ": " + problem.what());
      }
    }
    page.disarm();
    const Session session("crash", &page);
    check_session(session);
  }));
}

}  // namespace

TEST_SUITE("crash/raylet") {
  TEST_CASE("a raylet killed at the first pass of any point: calls throw within a second, and all of it ends") {
    check_kills(1);
  }
  TEST_CASE("a raylet killed at the third pass of any point: calls throw within a second, and all of it ends") {
    check_kills(3);
  }

  TEST_CASE("an object that is taken between the raylet's two looks is kept") {
    CHECK(run_isolated({.time_limit_ms = 60'000}, [] {
      Page page;
      const Session session("crash", &page);
      Child driver([&] {
        drive(session.name(), &page, [&] {
          for (int i = 0; i < 4 * kObjects; ++i) {
            take_while_stopped(session, page, CrashPoint::kRayletConsidered, i % kObjects + 1, CrashRole::kClient,
                               std::nullopt);
          }
        });
      });
      check_right(driver, "the driver that takes", 30'000);
      check_session(session);
    }));
  }

  TEST_CASE("of objects that contain each other all are rescued, whoever of them is taken") {
    CHECK(run_isolated({.time_limit_ms = 60'000}, [] {
      Page page;
      const Session session("crash", &page);
      for (int i = 0; i < kGroupTakes; ++i) {
        Child driver([&] { drive(session.name(), &page, [&] { rescue_group(session, page, i, false); }); });
        check_right(driver, "the driver that takes", 30'000);
      }
      check_session(session);
    }));
  }

  TEST_CASE("a client killed right after it has rescued a group leaves nothing") {
    CHECK(run_isolated({.time_limit_ms = 60'000}, [] {
      Page page;
      const Session session("crash", &page);
      for (int i = 0; i < kGroupTakes; ++i) {
        Child driver([&] { drive(session.name(), &page, [&] { rescue_group(session, page, i, true); }); });
        const pid_t pid = driver.pid();
        driver.wait();
        CHECK(page.victim() == pid);
        page.disarm();
        ::kill(session.pid(), SIGCONT);
        check_session(session);
      }
    }));
  }

  TEST_CASE("a client killed right after it has rescued an object leaves nothing") {
    CHECK(run_isolated({.time_limit_ms = 60'000}, [] {
      Page page;
      const Session session("crash", &page);
      bool has_rescued = false;
      for (int i = 0; i < kTakesMax && !has_rescued; ++i) {
        Child driver([&] {
          drive(session.name(), &page, [&] {
            take_while_stopped(session, page, CrashPoint::kRayletDrained, 1, CrashRole::kClient,
                               CrashPoint::kTakeRescued);
          });
        });
        const pid_t pid = driver.pid();
        driver.wait();
        has_rescued = page.victim() == pid;
        page.disarm();
        ::kill(session.pid(), SIGCONT);
        check_session(session);
      }
      CHECK(has_rescued);
    }));
  }
}
