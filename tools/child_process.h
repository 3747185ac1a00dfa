// tools/child_process.h: a program that a command starts, whose output it reads and whose end it waits for.
//   Threads    one thread
//   Process    the program ends with the thread that started it (PR_SET_PDEATHSIG); its signals are as by default
//   Ownership  the destructor kills its group and collects its status
//   Errors     a Status when it cannot be run
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace mobula::tools {

struct ChildOptions {
  std::vector<std::string> command;                              // its first word is looked up in PATH
  std::vector<std::pair<std::string, std::string>> environment;  // beside the own one
  bool with_errors = true;                                       // what it writes to its error output is read, too
};

class ChildProcess {
 public:
  ChildProcess() = default;
  ChildProcess(ChildProcess &&other) noexcept;
  ChildProcess &operator=(ChildProcess &&other) noexcept;
  ~ChildProcess() { end(); }

  // In a process group of its own, with nothing to read. REQUIRES: command not empty.
  static Status start(const ChildOptions &options, ChildProcess *child);

  bool is_running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  // Readable once it has ended.
  int pidfd() const { return pidfd_.get(); }
  // Never blocks. -1 once all that could write to it have ended.
  int output() const { return output_.get(); }
  // What it has written since the last call, in pieces.
  std::string read_output();
  // Reads until all that could write have ended, at most `bytes_max`; the rest is read and dropped.
  std::string read_all_output(std::size_t bytes_max);
  // To its group.
  void signal_group(int number) const;
  // Its status as of waitpid, once it has ended; then it is_running no more, and what is left of its group is killed.
  std::optional<int> collect();
  // Waits for it. REQUIRES: is_running().
  int wait();
  // Kills its group and collects.
  void end();

 private:
  pid_t pid_ = -1;
  base::File pidfd_;
  base::File output_;
};

}  // namespace mobula::tools
