// objects/victims.h: reads the ring in which the raylet notes what the eviction pass has freed.
//   Threads    any thread of any process, while the raylet writes
//   Crash      a note that is half written is not read
//   Errors     none: what was overwritten before it was read is counted as missed
//   Cost       O(victims read)
#pragma once

#include <cstdint>
#include <vector>

#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::objects {

struct EvictedObject {
  refs::ObjectName name;
  std::uint64_t bytes = 0;       // of its block
  std::uint32_t retained = 0;    // segment::Retained bits that it had
  std::uint64_t evicted_ns = 0;  // CLOCK_MONOTONIC
};

// How many there were so far: a reader that begins now begins with this.
std::uint64_t evictions_so_far(const segment::Segment &segment);
// Appends those after number `*read`, oldest first, and moves `*read` on. Returns how many were missed.
std::uint64_t read_victims(const segment::Segment &segment, std::uint64_t *read, std::vector<EvictedObject> *victims);

}  // namespace mobula::objects
