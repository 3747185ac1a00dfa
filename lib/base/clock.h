// base/clock.h: the two clocks in use, as plain nanoseconds.
//   Threads  any thread
//   Cost     no system call (vdso); the coarse one about 5 ns, with the kernel's tick as its step
#pragma once

#include <cstdint>
#include <ctime>

namespace mobula::base {

constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

inline std::int64_t read_clock(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * kNanosecondsPerSecond + time.tv_nsec;
}

// For deadlines.
inline std::int64_t monotonic_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }
// For "since when" in headers and rows: the same time line, coarser.
inline std::int64_t coarse_ns() noexcept { return read_clock(CLOCK_MONOTONIC_COARSE); }
// For people: since 1970. The coarse one is never ahead of the other.
inline std::int64_t wall_ns() noexcept { return read_clock(CLOCK_REALTIME); }
inline std::int64_t coarse_wall_ns() noexcept { return read_clock(CLOCK_REALTIME_COARSE); }

constexpr std::int64_t kForever = -1;
constexpr std::int64_t kTimeoutMsMax = 1'000'000'000'000;  // 31 years; longer ones would overflow

// The moment `timeout_ms` from now; kForever for a negative timeout.
inline std::int64_t deadline_after_ms(std::int64_t timeout_ms) noexcept {
  if (timeout_ms < 0 || timeout_ms > kTimeoutMsMax) return kForever;
  return monotonic_ns() + timeout_ms * kNanosecondsPerMillisecond;
}

}  // namespace mobula::base
