// refs/waiters.h: who waits for an entry to be settled, and waking them.
//   Layout     the waiter sets: one bit per client process
//   Threads    process-shared. A bit is set by its waiter and cleared by the raylet only (rule 24)
//   Crash      a late bit costs one spurious ring; whoever dies between settling and ringing is covered by the reaper,
//              which rings every bell
//   Cost       one load per live group; a system call per client that sleeps
#pragma once

#include <cstdint>

#include "segment/segment.h"

namespace mobula::refs {

// W1. REQUIRES: the caller looks at the state again afterwards, and again after it has counted itself in to sleep.
void set_waiter(const segment::Segment &segment, std::uint32_t client_id, std::uint32_t entry);

// K2..K4: rings the clients that wait for the entry and sleep. REQUIRES: it was settled by a CAS before.
void ring_waiters(const segment::Segment &segment, std::uint32_t entry);

// Raylet only, when the entry is freed.
void clear_waiters(const segment::Segment &segment, std::uint32_t entry);

}  // namespace mobula::refs
