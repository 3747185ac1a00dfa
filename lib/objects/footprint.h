// objects/footprint.h: where the bytes of a session's segment are, so that they add up to what the kernel says.
//   Threads    any process, while the raylet reserves more; reads the segment only
//   Errors     a Fault when the kernel does not tell the size of the segment
//   Cost       some loads, and a system call
#pragma once

#include <cstdint>

#include "segment/segment.h"

namespace mobula::objects {

// What the header says is reserved. Whoever fills it in has compared each with its limit.
struct ReservedWords {
  std::uint32_t entries = 0;
  std::uint32_t groups = 0;
  std::uint32_t clients = 0;
  std::uint32_t names = 0;
  std::uint64_t rows_bytes = 0;
  std::uint64_t data_bytes = 0;
  friend bool operator==(const ReservedWords &, const ReservedWords &) = default;
};

// Bytes of each region that has memory.
struct RegionBytes {
  std::uint64_t header = segment::kPageBytes;
  std::uint64_t slots = 0;
  std::uint64_t rings = 0;
  std::uint64_t rows = 0;
  std::uint64_t names = 0;
  std::uint64_t history = segment::kHistoryBytes;
  std::uint64_t log = 0;
  std::uint64_t entries = 0;
  std::uint64_t groups = 0;
  std::uint64_t data = 0;
  std::uint64_t tables() const { return header + slots + rings + rows + names + history + log + entries + groups; }
};
RegionBytes region_bytes(const ReservedWords &words, std::uint32_t log_records);

struct Footprint {
  std::uint64_t blocks_bytes = 0;  // of objects, specs and buffers that are alive
  std::uint64_t pooled_bytes = 0;  // blocks that clients keep for their next objects
  std::uint64_t free_bytes = 0;    // reserved, and in no block
  std::uint64_t tables_bytes = 0;
  std::uint64_t kernel_bytes = 0;
  std::uint64_t capacity_bytes = 0;
  std::uint64_t total_bytes() const { return blocks_bytes + pooled_bytes + free_bytes + tables_bytes; }
};
// Of blocks that were counted before: their sums. The total differs from the kernel's number only while the raylet is
// between reserving memory and saying so.
Footprint read_footprint(const segment::Segment &segment, std::uint64_t blocks_bytes, std::uint64_t pooled_bytes);

}  // namespace mobula::objects
