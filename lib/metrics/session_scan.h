// metrics/session_scan.h: the figures of a session, read from its segment in steps of bounded cost.
//   Threads    one scan belongs to one thread; reads the segment only, while all others run, and asks nobody
//   Crash      every word may be damaged: numbers are checked before they are used as a place or a count
//   Errors     as objects/store_scan.h: exact when nothing runs
//   Cost       in all O(entries + rows); a step about 100 ns for each look
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "objects/store_scan.h"
#include "segment/segment.h"

namespace mobula::metrics {

constexpr std::size_t kCauses = static_cast<std::size_t>(segment::DeathCause::kExpelled) + 1;

// What only the raylet knows.
struct RayletFigures {
  std::uint64_t tasks_finished = 0;  // since the session began
  std::uint64_t tasks_failed = 0;
};

struct SessionFigures {
  runtime::StoreStats store;
  std::uint64_t reserved_bytes = 0;  // of the data region
  std::uint64_t references = 0;      // of processes, not handles
  std::uint64_t unsealed_objects = 0;
  std::int64_t oldest_reference_ns = 0;  // CLOCK_MONOTONIC; 0: nobody holds anything
  std::uint64_t drivers = 0;
  std::uint64_t workers_idle = 0;
  std::uint64_t workers_running = 0;
  std::uint64_t actors = 0;  // workers that have become one, idle or running
  std::uint64_t tasks_queued = 0;
  std::uint64_t tasks_running = 0;
  std::uint64_t deaths = 0;                            // since the session began
  std::array<std::uint64_t, kCauses> recent_deaths{};  // of those that are kept, by cause
  std::uint64_t log_places = 0;                        // of the reference log; 0: none is kept
  std::uint64_t log_events = 0;
  std::uint64_t log_lost = 0;
  std::int64_t started_ns = 0;  // CLOCK_MONOTONIC
  bool waits_for_space = false;
  std::optional<RayletFigures> raylet;
};

class SessionScan {
 public:
  explicit SessionScan(const segment::Segment &segment);
  SessionScan(const SessionScan &) = delete;
  SessionScan &operator=(const SessionScan &) = delete;

  // Looks at so many words more, or some beyond. False: it is through.
  bool step(std::uint64_t looks);
  // REQUIRES: step() has said that it is through.
  SessionFigures figures() const;

 private:
  void note_spec(std::uint32_t entry);
  bool is_kept_for_restarts(const segment::EntryHeader &spec, std::uint32_t claimant);
  void count_clients(SessionFigures *figures) const;

  const segment::Segment &segment_;
  objects::StoreScan store_;
  std::uint64_t queued_ = 0;
  std::uint64_t running_ = 0;
  std::vector<std::uint64_t> copy_;  // of a spec
};

// All of it in one go.
SessionFigures read_session(const segment::Segment &segment);

}  // namespace mobula::metrics
