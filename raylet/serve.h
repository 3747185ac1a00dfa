// raylet/serve.h: what a raylet is told on its command line, and running one.
//   Process    raylet-only; called once
//   Errors     told to whoever started it: its driver, its parent's pipe, or standard error
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tasks/resources.h"

namespace mobula::raylet {

struct Options {
  std::string session = "default";
  std::uint32_t workers = 1;
  std::uint32_t gpus = 0;
  tasks::Quantities resources;  // besides CPU and GPU
  std::uint64_t memory_bytes = base::kCapacityBytesDefault;
  std::uint32_t log_records = 0;  // of the reference log
  std::int64_t sample_ms = 1000;  // between samples of what the session holds; 0: none
  std::vector<std::string> libraries;
  // The eviction pass begins above the one and ends below the other, in parts of the store's memory.
  std::uint32_t evict_above_percent = 90;
  std::uint32_t evict_below_percent = 80;
  bool embedded = false;
  bool deadlocks_warn_only = false;
  rlim_t descriptors_limit = 1024;            // soft RLIMIT_NOFILE of the workers
  int driver_socket = -1;                     // of an embedded session: connected to its driver
  std::optional<std::uint16_t> metrics_port;  // where metrics are served; none: nowhere. 0 until it is known
};

struct Service {
  Options options;
  bool foreground = false;
  std::string log_level = "info";
};

constexpr char kReady = '+';  // first byte on the ready pipe when the session can be used; a notice may follow

// Serves until the session ends. Tells `ready_pipe` (-1 for none) when it is ready, or why it never will be. Returns
// the exit status. Throws base::Fault.
int serve(Service service, int ready_pipe);

}  // namespace mobula::raylet
