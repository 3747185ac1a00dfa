// raylet/process_status.h: how a process ended that is not our child, as its parent will be told.
//   Threads    any thread
//   Errors     nothing when the kernel does not tell (see the function)
//   Cost       one or two system calls
#pragma once

#include <sys/types.h>

#include <optional>

namespace mobula::raylet {

// The status as waitpid has it. REQUIRES: `pidfd` is of `pid`, and readable: every thread of it is gone.
// From /proc/PID/stat (exit_code, proc(5)) until its parent has waited for it; afterwards from PIDFD_GET_INFO, which
// Linux answers from 6.15 on.
std::optional<int> status_of_ended(pid_t pid, int pidfd);

}  // namespace mobula::raylet
