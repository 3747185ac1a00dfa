// segment/bell.h: the futex words that processes sleep on.
//   Threads    process-shared; any thread
//   Crash      the life words lie on the raylet's robust-futex list (segment/life.h), so its death wakes the sleepers
//   Cost       ring: nothing when nobody sleeps, else one system call; wait: one
#pragma once

#include <cstdint>

#include "segment/layout.h"

namespace mobula::segment {

enum class Wake { kRung, kTimeout, kRayletDied };

// Sleeps until the bell differs from `seen`, the deadline (CLOCK_MONOTONIC ns, base::kForever) passes or the raylet
// dies. May also return kRung early: callers re-check what they wait for. REQUIRES: the caller counted itself in
// ClientSlot::sleepers before it read what it waits for the last time.
Wake wait_for_bell(const Half &bell, std::uint32_t seen, const Half &life, std::int64_t deadline_ns);

// Settle's last steps, K3 and K4: rings when any thread of the client sleeps.
// Ordering: seq_cst load of sleepers, after the settling CAS; pairs with the sleeper's count and re-check.
void ring_if_asleep(ClientSlot &slot);
// Rings whoever may sleep there: after a death, when a notifier may have died between its two steps.
void ring_always(ClientSlot &slot);

// True once the raylet has died or ended.
bool raylet_died(const Half &life);
// Wakes everybody who sleeps on the word.
void wake_all(const Half &word);

}  // namespace mobula::segment
