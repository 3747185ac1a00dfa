// base/crash_points.h: named places at which a test may kill this process, next to every store that others can see.
//   Layout     CrashPage, a file that the tests make and every process of their session maps (MOBULA_CRASH_PAGE)
//   Threads    thread-safe
//   Process    compiled in by -Dcrash_points=true only; else a call is nothing
//   Cost       one load and a branch without a page
#pragma once

#include <atomic>
#include <cstdint>

namespace mobula::base {

enum class CrashPoint : std::uint32_t {
#define MOBULA_CRASH_POINT(name, what) name,
#include "base/crash_points.inc"
#undef MOBULA_CRASH_POINT
  kCount,
};
constexpr auto kCrashPointsCount = static_cast<std::uint32_t>(CrashPoint::kCount);
constexpr auto kFirstRayletPoint = static_cast<std::uint32_t>(CrashPoint::kRayletBound);

// Which processes an armed point kills.
enum class CrashRole : std::uint32_t { kClient = 1, kRaylet = 2 };

// One process of the session. Claimed by itself; given back, with `pid` 0, by the test that saw it die.
struct CrashSlot {
  std::atomic<std::uint32_t> pid;
  std::atomic<std::uint32_t> last_point_plus_1;  // the window that it is in
};
constexpr std::uint32_t kCrashSlots = 1024;
constexpr std::uint32_t kCrashPointsMax = 96;
static_assert(kCrashPointsCount <= kCrashPointsMax);

struct CrashPage {
  std::atomic<std::uint32_t> armed_point_plus_1;  // 0 = nobody is to die
  std::atomic<std::uint32_t> armed_role;          // CrashRole
  std::atomic<std::int32_t> passes_left;          // the process that takes it from 1 to 0 dies
  std::atomic<std::uint32_t> victim_pid;          // who did
  std::atomic<std::uint64_t> passes[kCrashPointsMax];
  CrashSlot slots[kCrashSlots];
  std::atomic<std::uint32_t> armed_signal;  // what comes instead of SIGKILL, such as SIGSTOP; 0 = SIGKILL
};

#ifdef MOBULA_CRASH_POINTS
void pass_crash_point(CrashPoint point) noexcept;
// Clients unless told otherwise.
void set_crash_role(CrashRole role) noexcept;
inline void crash_point(CrashPoint point) noexcept { pass_crash_point(point); }
#else
constexpr void set_crash_role(CrashRole) noexcept {}
constexpr void crash_point(CrashPoint) noexcept {}
#endif

}  // namespace mobula::base
