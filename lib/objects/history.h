// objects/history.h: what the segment tells of the past: deaths, samples, and what processes did.
//   Threads    any thread of any process, while they are written
//   Crash      a record that is half written is not read
//   Errors     what was overwritten is left out; numbers that a client wrote are its own word, and may be anything
//   Cost       O(records kept)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::objects {

struct DeathRecord {
  std::uint64_t number = 0;
  std::int64_t ended_ns = 0;  // CLOCK_MONOTONIC, as all times here
  refs::ObjectName task;      // its result; entry kNoEntry: it ran nothing
  std::uint32_t task_site = 0;
  std::uint32_t pid = 0;
  std::uint32_t client = 0;
  segment::ClientKind kind = segment::ClientKind::kNone;
  segment::DeathCause cause = segment::DeathCause::kUnknown;
  std::int32_t code = 0;  // exit status or signal
  bool is_actor = false;
};
// The newest ones, at most so many, oldest first.
std::vector<DeathRecord> read_deaths(const segment::Segment &segment, std::uint64_t count_max = base::kDeathsKept);
// "killed by SIGSEGV", "exit status 3", "killed: its task was cancelled".
std::string describe(const DeathRecord &death);

struct ActivityRecord {
  std::uint64_t number = 0;
  std::int64_t began_ns = 0;
  std::int64_t ended_ns = 0;
  refs::ObjectName name;
  segment::ActivityKind kind = segment::ActivityKind::kNone;
  segment::ActivityEnd end = segment::ActivityEnd::kDone;
  std::uint32_t site = 0;
  std::uint32_t pid = 0;
};
// Of one client id and those that had it before, oldest first. REQUIRES: 0 < client < clients_reserved.
std::vector<ActivityRecord> read_activities(const segment::Segment &segment, std::uint32_t client);

struct ShareRecord {
  std::uint32_t id = 0;  // a site, or a client
  std::uint32_t objects = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const ShareRecord &, const ShareRecord &) = default;
};
struct SampleRecord {
  std::uint64_t number = 0;
  std::int64_t at_ns = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t objects = 0;
  std::uint64_t references = 0;
  std::uint64_t freed = 0;
  std::uint64_t evictions = 0;
  std::uint32_t tasks_waiting = 0;
  std::uint32_t tasks_running = 0;
  std::vector<ShareRecord> sites;    // largest first
  std::vector<ShareRecord> holders;  // by client, largest first
  friend bool operator==(const SampleRecord &, const SampleRecord &) = default;
};
// Oldest first.
std::vector<SampleRecord> read_samples(const segment::Segment &segment);

}  // namespace mobula::objects
