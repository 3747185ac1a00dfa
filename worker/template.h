// worker/template.h: the worker template: a single-threaded process that has the user's functions loaded and forks
// workers.
//   Process    re-executed from a driver's program before its main, or the mobula-worker program
//   Crash      killed by the kernel when its raylet dies; its own death leaves its workers alone
//   Errors     told to the raylet: two functions under one name, threads started by static initialisers, missing
//              libraries
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mobula::worker {

struct TemplateOptions {
  std::uint32_t number = 0;  // 0: launched by hand; the raylet gives it one
  std::string socket_path;
  std::vector<std::string> libraries;
  std::optional<std::uint64_t> descriptors_limit;  // soft RLIMIT_NOFILE for the user's code
};

// What the raylet left in the environment, if this process was started as a template. Removes it, so that children of
// user code are ordinary programs.
std::optional<TemplateOptions> options_from_environment();

// Serves until the raylet goes. Returns the exit status. In a forked worker it does not return.
int run_template(const TemplateOptions &options);

}  // namespace mobula::worker
