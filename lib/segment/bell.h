// segment/bell.h: the futex words that processes sleep on.
//   Threads    process-shared; any thread
//   Crash      the life words lie on the raylet's robust-futex list (segment/life.h), so its death wakes the sleepers
//   Cost       ring: nothing when nobody sleeps, else one system call; wait: one
#pragma once

#include <cstdint>

#include "base/crash_points.h"
#include "segment/layout.h"

namespace mobula::segment {

enum class Wake { kRung, kTimeout, kRayletDied };

// Sleeps until the bell differs from `seen`, the deadline (CLOCK_MONOTONIC ns, base::kForever) passes or the raylet
// dies. May also return kRung early: callers re-check what they wait for. REQUIRES: the caller counted itself in
// ClientSlot::sleepers before it read what it waits for the last time.
Wake wait_for_bell(const Half &bell, std::uint32_t seen, const Half &life, std::int64_t deadline_ns);

// Wakes everybody who sleeps on the word.
void wake_all(const Half &word);

// Rings whoever may sleep there: after a death, when a notifier may have died between its two steps.
inline void ring_always(ClientSlot &slot) {
  slot.bell.fetch_add(1, std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kBellCounted);
  wake_all(slot.bell);
}

// Settle's last steps, K3 and K4: rings when any thread of the client sleeps.
// Ordering: seq_cst load of sleepers, after the settling CAS; pairs with the sleeper's count and re-check.
inline void ring_if_asleep(ClientSlot &slot) {
  if (slot.sleepers.load(std::memory_order_seq_cst) != 0) ring_always(slot);
}

// True once the raylet has died or ended.
bool raylet_died(const Half &life);

}  // namespace mobula::segment
