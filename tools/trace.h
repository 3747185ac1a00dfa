// tools/trace.h: the reference log as the life of objects: what was done to which, by whom, where and when.
//   Threads    any thread. Reads the segment and /proc, and asks nobody
//   Errors     what clients wrote is their own word: unknown numbers are shown as such
//   Cost       O(places of the log); stacks: see tools/stack_names.h
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "refs/event_log.h"
#include "segment/segment.h"

namespace mobula::tools {

struct TraceChoice {
  std::optional<refs::ObjectName> object;
  std::optional<std::uint32_t> pid;  // of whoever did it, or of whose death it was done for
  std::optional<std::size_t> last;   // of these the newest so many
};

struct TraceLine {
  std::uint64_t number = 0;  // of the event, from 1
  double seconds = 0;        // since the session's start
  std::uint32_t pid = 0;
  std::string process;  // "driver train", "worker", "raylet", "ended"
  std::string event;    // "takes"
  std::string object;   // its id in hexadecimal digits
  std::uint64_t bytes = 0;
  std::uint32_t holder = 0;  // of a reap: whose death
  std::string site;          // "" when unknown
};

struct Trace {
  std::string session;
  std::uint64_t events = 0;  // so far
  std::uint64_t places = 0;
  std::uint64_t overwritten = 0;
  std::uint64_t lost = 0;
  std::vector<TraceLine> lines;  // that were asked for
};

// Of events after number `after`. REQUIRES: segment.log_records() is not 0.
Trace read_trace(const segment::Segment &segment, int raylet_pid, const TraceChoice &choice, std::uint64_t after = 0);
const char *describe(segment::Event event);

std::string trace_head(const Trace &trace, const TraceChoice &choice);
// Columns; without that of the object when it is known which one is meant.
std::string trace_titles(bool with_object);
std::string trace_line(const TraceLine &line, bool with_object);
nlohmann::json trace_json(const Trace &trace);
nlohmann::json trace_line_json(const TraceLine &line);

}  // namespace mobula::tools
