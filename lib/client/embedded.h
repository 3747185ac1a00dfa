// client/embedded.h: starts a private raylet for this program, and ends it.
//   Process    the raylet is a child: it inherits working directory, environment, limits and output of the program
//   Errors     the raylet's own words, when it refuses to start
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"

namespace mobula::client {

struct EmbeddedOptions {
  std::uint32_t workers = 0;  // 0: the online CPUs
  std::uint64_t memory_bytes = base::kCapacityBytesDefault;
  std::vector<std::string> libraries;
  std::uint32_t gpus = 0;
  std::string resources;  // JSON, "" = none besides CPU and GPU
};

// From head arguments (--num-cpus, --num-gpus, --resources, --object-store-memory), else MOBULA_WORKERS and
// MOBULA_MEMORY, else the defaults.
Status embedded_options(const std::vector<std::string> &head_args, const std::vector<std::string> &code_search_path,
                        EmbeddedOptions *options);

// The raylet's process id, and a connected control socket on which nothing was said yet.
Status start_embedded(const EmbeddedOptions &options, pid_t *raylet_pid, base::File *socket);

// The program that is the raylet: MOBULA_RAYLET, else beside this library, else on PATH.
std::string raylet_program();

}  // namespace mobula::client
