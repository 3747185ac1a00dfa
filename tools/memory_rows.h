// tools/memory_rows.h: every live object of a session, read from its segment.
//   Threads    any thread. Reads only, and asks no client: a stopped or busy process is seen like any other
//   Errors     what changes while it is read is seen before or after the change; an object freed meanwhile is left out
//   Cost       looks at every reserved entry once, at the specs of waiting tasks twice
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::tools {

// One process that refers to an object.
struct Holder {
  std::uint32_t client = 0;  // its id in the session
  std::uint32_t pid = 0;
  segment::ClientKind kind = segment::ClientKind::kNone;
  bool holds = false;
  bool pins = false;
};

struct MemoryRow {
  refs::ObjectName name;
  std::string id;  // as ObjectRef::ID() has it, in hexadecimal digits
  refs::State state = refs::State::kFree;
  std::uint64_t size_bytes = 0;   // 0 while unknown
  std::uint32_t creator_pid = 0;  // 0 while unknown
  std::int64_t age_ms = -1;       // -1 while unknown
  std::vector<Holder> holders;
  std::uint32_t task_references = 0;      // of queued and running tasks: argument or result
  std::uint32_t captured_references = 0;  // of other objects that contain it
  std::uint32_t retained = 0;             // segment::Retained bits: why it stays although nobody refers to it
};

// Specs of tasks, and the buffers that large results lie in, are no objects of their own.
// `now_ns` is CLOCK_MONOTONIC. Largest first, then oldest entry.
std::vector<MemoryRow> read_rows(const segment::Segment &segment, std::int64_t now_ns);

}  // namespace mobula::tools
