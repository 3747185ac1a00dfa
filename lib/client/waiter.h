// client/waiter.h: how threads of this process sleep until something in the segment changes.
//   Threads    thread-safe; any number sleep on the one bell of the process
//   Cost       a few hundred pauses, then one system call per sleep; no polling
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/crash_points.h"
#include "base/saturation.h"
#include "base/spin.h"
#include "segment/bell.h"

namespace mobula::client {

class Waiter {
 public:
  Waiter(segment::ClientSlot &slot, const segment::Half &life);

  // Returns kRung as soon as ready() says true; it is asked again after every ring. kTimeout: the deadline
  // (base::kForever for none) has passed. before_sleep() runs once, if the thread is really going to sleep.
  // Ordering: steps W2..W6 of docs/reference-rules.md; ready() must use acquire loads or stronger.
  template <typename Ready, typename BeforeSleep>
  segment::Wake wait_until(Ready ready, std::int64_t deadline_ns, BeforeSleep before_sleep) {
    if (spin_.until(ready)) return segment::Wake::kRung;
    before_sleep();
    for (;;) {
      const std::uint32_t seen = slot_.bell.load(std::memory_order_seq_cst);  // W2
      base::count_up(slot_.sleepers, std::memory_order_seq_cst);              // W3
      base::crash_point(base::CrashPoint::kWaitCounted);
      base::thread_fence(std::memory_order_seq_cst);  // ready() may use acquire loads
      segment::Wake wake = segment::Wake::kRung;
      const bool satisfied = ready();  // W4
      // Read after the bell: an expulsion sets the flag, then rings.
      const bool expelled = slot_.expelled.load(std::memory_order_seq_cst) != 0;
      if (!satisfied && !expelled) wake = segment::wait_for_bell(slot_.bell, seen, life_, deadline_ns);  // W5
      base::count_out(slot_.sleepers, std::memory_order_seq_cst);                                        // W6
      base::crash_point(base::CrashPoint::kWaitWoken);
      if (satisfied || ready()) return segment::Wake::kRung;
      if (expelled) return segment::Wake::kRayletDied;
      if (wake != segment::Wake::kRung) return wake;
    }
  }
  template <typename Ready>
  segment::Wake wait_until(Ready ready, std::int64_t deadline_ns) {
    return wait_until(ready, deadline_ns, [] {});
  }

 private:
  segment::ClientSlot &slot_;
  const segment::Half &life_;
  base::Spin spin_;
};

}  // namespace mobula::client
