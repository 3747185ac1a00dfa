// Nested results passed from worker to worker, with a death at each pass of the points on their way.
#include <doctest/doctest.h>

#include "crash/chain.h"
#include "crash/crash_case.h"

using namespace mobula::crash;
using namespace mobula::process;
using mobula::support::Child;
using mobula::support::run_isolated;

namespace {

// A death at `point`, at its nth pass by anybody of that kind.
void kill_worker(const Session &session, Page &page, CrashPoint point, int nth) {
  page.arm(CrashRole::kClient, point, nth);
  Child driver([&] { drive(session.name(), nullptr, [] { check_chain(start_chain({})); }); });
  check_right(driver, "the driver");
}
void kill_driver(const Session &session, Page &page, CrashPoint point, int nth) {
  page.arm(CrashRole::kClient, point, nth);
  Child driver([&] { drive(session.name(), &page, [] { check_chain(start_chain({})); }); });
  driver.wait();
}

using Kill = void (*)(const Session &, Page &, CrashPoint, int);

// Gives how many died.
int kill_at_each_pass(bool workers_map_page, const std::vector<CrashPoint> &points, Kill kill) {
  Page page;
  const Session session("crash", workers_map_page ? &page : nullptr);
  int deaths = 0;
  for (const CrashPoint point : points) {
    for (int nth = 1; nth <= kHops; ++nth) {
      CAPTURE(nth);
      CAPTURE(all_points()[static_cast<std::size_t>(point)].name);
      kill(session, page, point, nth);
      deaths += page.victim() != 0 ? 1 : 0;
      page.disarm();
      CHECK(session.becomes_empty());
    }
  }
  check_session(session);
  return deaths;
}

}  // namespace

TEST_SUITE("crash/in_flight") {
  TEST_CASE("a worker killed at any pass of what a nested result goes through: it arrives, and nothing is left") {
    CHECK(run_isolated({.time_limit_ms = 120'000}, [] {
      const std::vector<CrashPoint> points{
          CrashPoint::kTakeMarked,    CrashPoint::kReleaseCleared, CrashPoint::kSubmitPending,
          CrashPoint::kContainsSent,  CrashPoint::kTaskBegun,      CrashPoint::kResultBuffered,
          CrashPoint::kResultSettled, CrashPoint::kTaskUnreported, CrashPoint::kTaskReported};
      CHECK(kill_at_each_pass(true, points, kill_worker) >= static_cast<int>(points.size()) * (kHops - 4));
    }));
  }

  TEST_CASE("a driver killed at any pass of what a nested result goes through leaves nothing") {
    CHECK(run_isolated({.time_limit_ms = 120'000}, [] {
      const std::vector<CrashPoint> points{CrashPoint::kTakeMarked, CrashPoint::kReleaseCounted,
                                           CrashPoint::kReleaseCleared, CrashPoint::kSubmitPending,
                                           CrashPoint::kSubmitSent};
      CHECK(kill_at_each_pass(false, points, kill_driver) >= static_cast<int>(points.size()) * (kHops - 5));
    }));
  }
}
