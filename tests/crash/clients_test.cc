// Workers and drivers killed at every point that they pass.
#include <doctest/doctest.h>

#include <memory>

#include "crash/crash_case.h"

using namespace mobula::crash;
using namespace mobula::process;
using mobula::support::Child;
using mobula::support::require;
using mobula::support::run_isolated;

namespace {

constexpr int kRoundsMax = 12;
constexpr int kSeed = 7;

// Passed by workers only: what belongs to running a task; and only who settles what others wait for rings.
bool is_worker_point(CrashPoint point) {
  return point == CrashPoint::kRingSeen || point == CrashPoint::kBellCounted ||
         (point >= CrashPoint::kTaskClaimed && point <= CrashPoint::kActorExiting);
}

// Continues a raylet that a full ring's maker has stopped, whether the maker lives or not.
std::unique_ptr<Child> continuer_for(CrashPoint point, const Session &session) {
  std::unique_ptr<Child> continuer;
  if (point == CrashPoint::kRoomCounted) {
    continuer = std::make_unique<Child>([raylet = session.pid()] {
      for (;; ::usleep(10'000)) ::kill(raylet, SIGCONT);
    });
  }
  return continuer;
}

// Both workers run everything; the driver that asked for it notices nothing.
void kill_worker(const Session &session, Page &page, CrashPoint point) {
  Child driver([&] {
    drive(session.name(), nullptr, [&] {
      for (int round = 0; round < kRoundsMax && page.victim() == 0; ++round) {
        const bool full_ring = point == CrashPoint::kRoomCounted;
        const auto one =
            full_ring ? ray::Task(fill_ring).Remote(round, session.pid()) : ray::Task(exercise).Remote(round);
        const auto two = ray::Task(exercise).Remote(round + 1);
        require(*one.Get() == round && *two.Get() == round + 1, "results");
      }
    });
  });
  check_right(driver, "the driver");
}

void kill_driver(const Session &session, Page &page, CrashPoint point) {
  Child victim([&] {
    drive(session.name(), &page, [&] {
      for (int round = 0; round < kRoundsMax; ++round) {
        point == CrashPoint::kRoomCounted ? fill_ring(round, session.pid()) : exercise(round);
      }
    });
  });
  Child bystander([&] { drive(session.name(), nullptr, [] { require(exercise(kSeed) == kSeed, "a seed"); }); });
  victim.wait();
  check_right(bystander, "a driver beside the dead one");
}

using Kill = void (*)(const Session &, Page &, CrashPoint);

// Gives the points where nobody could be killed.
std::string kill_at_all(const Session &session, Page &page, int nth, bool (*is_ours)(CrashPoint), Kill kill) {
  std::string missing;
  for (const NamedPoint &named : all_points()) {
    if (is_raylet_point(named.point) || !is_ours(named.point)) continue;
    const std::string where = named.name + (" at pass " + std::to_string(nth)) + ": ";
    try {
      const auto continuer = continuer_for(named.point, session);
      page.arm(CrashRole::kClient, named.point, nth);
      kill(session, page, named.point);
      if (page.victim() == 0) missing += where;
      page.disarm();
      check_session(session);
    } catch (const std::exception &problem) {
      throw std::runtime_error(where + problem.what());
    }
  }
  return missing;
}

// They need a raylet in the middle of something: raylet_test.cc.
bool any_point(CrashPoint point) { return point != CrashPoint::kTakeRescued && point != CrashPoint::kGroupRescued; }
bool driver_point(CrashPoint point) { return any_point(point) && !is_worker_point(point); }

void check_kills(bool workers_map_page, bool (*is_ours)(CrashPoint), Kill kill, int nth) {
  CHECK(run_isolated({.time_limit_ms = 120'000}, [&] {
    Page page;
    const Session session("crash", workers_map_page ? &page : nullptr);
    CHECK(kill_at_all(session, page, nth, is_ours, kill) == "");
  }));
}

}  // namespace

TEST_SUITE("crash/clients") {
  TEST_CASE("a worker killed at the first pass of any point harms nobody and leaves nothing") {
    check_kills(true, any_point, kill_worker, 1);
  }
  TEST_CASE("a worker killed at the third pass of any point harms nobody and leaves nothing") {
    check_kills(true, any_point, kill_worker, 3);
  }
  TEST_CASE("a driver killed at the first pass of any point harms nobody and leaves nothing") {
    check_kills(false, driver_point, kill_driver, 1);
  }
  TEST_CASE("a driver killed at the third pass of any point harms nobody and leaves nothing") {
    check_kills(false, driver_point, kill_driver, 3);
  }
}
