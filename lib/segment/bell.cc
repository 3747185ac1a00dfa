#include "segment/bell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>

#include "base/clock.h"
#include "base/error.h"

namespace mobula::segment {
namespace {

constexpr std::int64_t kLivenessCheckNs =
    base::kNanosecondsPerSecond;  // only before Linux 5.16, which lacks futex_waitv

std::uint32_t *address_of(const Half &word) { return reinterpret_cast<std::uint32_t *>(const_cast<Half *>(&word)); }

timespec to_timespec(std::int64_t time_ns) {
  return {time_ns / base::kNanosecondsPerSecond, time_ns % base::kNanosecondsPerSecond};
}

// -1 with errno set as futex_waitv does.
long wait_for_either(const Half &bell, std::uint32_t seen, const Half &life, std::uint32_t alive,
                     const timespec *until) {
  futex_waitv words[2] = {};
  words[0].val = seen;
  words[0].uaddr = reinterpret_cast<std::uintptr_t>(&bell);
  words[0].flags = FUTEX_32;
  words[1].val = alive;
  words[1].uaddr = reinterpret_cast<std::uintptr_t>(&life);
  words[1].flags = FUTEX_32;
  return syscall(SYS_futex_waitv, words, 2, 0, until, CLOCK_MONOTONIC);
}

// One bell only, at most a second at a time, so that a raylet's death is seen without futex_waitv.
long wait_for_bell_only(const Half &bell, std::uint32_t seen, std::int64_t deadline_ns) {
  const std::int64_t now_ns = base::monotonic_ns();
  std::int64_t until_ns = now_ns + kLivenessCheckNs;
  if (deadline_ns != base::kForever && deadline_ns < until_ns) until_ns = deadline_ns;
  const timespec until = to_timespec(until_ns);
  const long result =
      syscall(SYS_futex, address_of(bell), FUTEX_WAIT_BITSET, seen, &until, nullptr, FUTEX_BITSET_MATCH_ANY);
  if (result < 0 && errno == ETIMEDOUT && until_ns != deadline_ns) errno = EAGAIN;
  return result;
}

}  // namespace

void wake_all(const Half &word) { syscall(SYS_futex, address_of(word), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

bool raylet_died(const Half &life) {
  // relaxed: a late look only delays the answer by one wait.
  const std::uint32_t value = life.load(std::memory_order_relaxed);
  return (value & FUTEX_OWNER_DIED) != 0 || (value & FUTEX_TID_MASK) == 0;
}

Wake wait_for_bell(const Half &bell, std::uint32_t seen, const Half &life, std::int64_t deadline_ns) {
  const std::uint32_t alive = life.load(std::memory_order_relaxed);
  if (raylet_died(life)) {
    wake_all(life);  // the kernel woke one sleeper of this word; each passes it on
    return Wake::kRayletDied;
  }
  const timespec until = to_timespec(deadline_ns == base::kForever ? 0 : deadline_ns);
  long result = wait_for_either(bell, seen, life, alive, deadline_ns == base::kForever ? nullptr : &until);
  // EPERM: what container sandboxes that do not know the call answer.
  if (result < 0 && (errno == ENOSYS || errno == EPERM)) result = wait_for_bell_only(bell, seen, deadline_ns);
  const bool timed_out = result < 0 && errno == ETIMEDOUT;
  if (raylet_died(life)) {
    wake_all(life);
    return Wake::kRayletDied;
  }
  return timed_out ? Wake::kTimeout : Wake::kRung;
}

}  // namespace mobula::segment
