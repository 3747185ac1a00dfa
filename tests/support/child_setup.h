// support/child_setup.h: the forked side of the process runner: from fork to _exit.
//   Process    runs in the child only; nothing here returns to the code that forked
//   Ownership  borrows every descriptor and pointer; the child ends before any of them could dangle
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mobula::support {

// A verdict begins with this, so that a body which calls exit() is told from one that came to its end.
inline constexpr std::string_view kVerdictStart = "done\n";

struct ChildSetup {
  int stdout_fd = -1;       // -1: the caller's
  int stderr_fd = -1;       // -1: the caller's
  int verdict_fd = -1;      // takes kVerdictStart and what went wrong; -1: nobody asks
  std::string runtime_dir;  // "": the caller's
  const std::vector<std::pair<std::string, std::string>> *environment = nullptr;
  bool check_fds = false;
  bool new_session = true;
};

// Sets the process up, runs `body`, writes the verdict and ends the process: exit status 0, or 1 when something failed.
[[noreturn]] void run_in_child(const ChildSetup &setup, const std::function<void()> &body);

// A descriptor that is readable once the process has ended; -1 and errno as the system call. The glibc 2.36 header
// declares pidfd_open without C linkage.
int open_pidfd(pid_t pid);

// Becomes the program; throws when that fails.
[[noreturn]] void exec_program(const std::vector<std::string> &argv);

}  // namespace mobula::support
