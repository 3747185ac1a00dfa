// worker/worker.h: a worker: takes tasks from its ring, runs the user's functions, settles their results.
//   Threads    none of ours beside the main one; the user's code may start its own
//   Process    forked from a template; killed by the kernel when its raylet dies
//   Crash      at any instruction: claim word and result word tell the raylet what became of its task
//   Cost       a task whose arguments and result are small: no system call while tasks keep coming
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace mobula::worker {

struct WorkerOptions {
  std::string socket_path;
  std::uint32_t template_number = 0;
  pid_t parent = 0;  // the process whose death must end this one
};

// Attaches and serves until the raylet goes. Ends the process.
[[noreturn]] void run_worker(const WorkerOptions &options);

}  // namespace mobula::worker
