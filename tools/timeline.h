// tools/timeline.h: what the processes of a session did when, as Chrome trace events (ui.perfetto.dev opens them).
//   Layout     time zero is the session's start. Of each process: threads whose slices nest; of the raylet: counters of
//              bytes, objects and references, and evictions
//   Threads    any thread. Reads the segment and /proc, and asks nobody
//   Errors     what clients wrote is their own word: times that cannot be are left out
//   Cost       O(clients * kActivitiesKept)
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "objects/history.h"
#include "segment/segment.h"

namespace mobula::tools {

constexpr std::size_t kLanesMax = 64;  // threads of one process; what overlaps more is left out and counted

// A stretch of time in one process.
struct Slice {
  std::int64_t began_ns = 0;  // since the session's start
  std::int64_t ended_ns = 0;
  std::string name;
  std::string category;  // "task", "wait"
  std::string object;    // what it made or waited for
  std::string end;       // "done", "threw", "failed", "runs"
  std::size_t lane = 0;  // its thread
};

// Sorts, and gives each slice a lane in which it lies inside of another one or beside it. Returns how many found none.
// Pure.
std::size_t assign_lanes(std::vector<Slice> *slices);

struct Track {
  std::uint32_t pid = 0;
  std::string name;  // "worker", "driver: ./train 5"
  std::vector<Slice> slices;
};

struct Instant {
  std::int64_t at_ns = 0;
  std::uint32_t pid = 0;
  std::string name;
  std::string category;  // "death", "eviction"
  std::string object;    // "" = none
};

// Of one client id: how much of its past the segment still has.
struct Reach {
  std::uint32_t pid = 0;
  std::int64_t begins_ns = 0;
  std::uint64_t overwritten = 0;
};

struct Timeline {
  std::string session;
  std::uint32_t raylet_pid = 0;
  std::vector<Track> tracks;
  std::vector<Instant> instants;
  std::vector<objects::SampleRecord> samples;  // times since the session's start
  std::vector<Reach> reaches;                  // of ids whose past was overwritten
  std::size_t left_out = 0;
};

Timeline read_timeline(const segment::Segment &segment, int raylet_pid, std::int64_t now_ns);
// {"traceEvents", "displayTimeUnit", "otherData"}. Pure.
nlohmann::json timeline_json(const Timeline &timeline);
// How far back it reaches, and what it holds, in two lines. Pure.
std::string timeline_text(const Timeline &timeline);

}  // namespace mobula::tools
