// tools/surroundings.h: what the machine and the kernel say about a session and its processes.
//   Process    reads /proc, /sys and the folders of sessions; asks nobody
//   Errors     what cannot be read counts as without limit, or as not there
//   Cost       some files for each process
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "segment/segment.h"

namespace mobula::tools {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

struct Surroundings {
  std::string session;
  int raylet_pid = 0;
  bool raylet_is_stopped = false;               // by a signal
  bool raylet_was_replaced = false;             // the file that it runs is not there any more
  std::uint64_t capacity_bytes = 0;             // of the store
  std::uint64_t reserved_bytes = 0;             // of these, what the kernel has given already
  std::uint64_t shm_free_bytes = kNoLimit;      // no limit: the segment does not lie in /dev/shm
  std::uint64_t memory_limit_bytes = kNoLimit;  // of the raylet's control groups
  std::uint64_t available_bytes = kNoLimit;     // of the machine, without swapping
  std::uint64_t descriptors = 0;                // open ones of the raylet
  std::uint64_t descriptors_max = kNoLimit;
  std::vector<std::string> stale_sessions;  // folders whose raylet is dead
  std::vector<std::uint32_t> stopped_pids;  // of the session's processes
  std::uint64_t log_lost = 0;               // events that the reference log had no place for
};

Surroundings read_surroundings(const std::string &session, int raylet_pid, const segment::Segment &segment);

// "memory.max" or "memory.limit_in_bytes" of the control group that /proc/PID/cgroup has as `membership`, and of those
// above it, below `root`. The least of them.
std::uint64_t memory_limit(const std::string &root, const std::string &membership);

}  // namespace mobula::tools
