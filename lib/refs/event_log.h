// refs/event_log.h: the reference log: what was done to which entry, in the segment, so that it outlives the process.
//   Layout     a ring of log_records() places, written by all clients and the raylet
//   Threads    any thread of any process
//   Crash      a writer that dies in a record leaves its place marked busy: it is not read, and later events that fall
//              on it are counted as lost. Nobody waits
//   Cost       off: one branch. On: two locked instructions, a look at the clock and a line of the cache
#pragma once

#include <cstdint>
#include <vector>

#include "base/tracking.h"
#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::refs {

class EventLog {
 public:
  EventLog(const segment::Segment &segment, std::uint32_t pid)
      : segment_(segment), pid_(pid), is_on_(segment.log_records() != 0) {}

  bool is_on() const { return base::kTracking && is_on_; }
  // `holder`: of kReap, the process that has died. REQUIRES: is_on().
  void add(segment::Event event, ObjectName name, std::uint32_t site, std::uint64_t bytes = 0,
           std::uint32_t holder = 0) const;

 private:
  const segment::Segment &segment_;
  const std::uint32_t pid_;
  const bool is_on_;
};

struct LoggedEvent {
  std::uint64_t number = 0;
  std::uint64_t at_ns = 0;  // CLOCK_MONOTONIC
  segment::Event event = segment::Event::kNone;
  ObjectName name;
  std::uint64_t bytes = 0;
  std::uint32_t pid = 0;
  std::uint32_t site = 0;
  std::uint32_t holder = 0;
};
// All that are kept, oldest first. O(places).
std::vector<LoggedEvent> read_log(const segment::Segment &segment);

}  // namespace mobula::refs
