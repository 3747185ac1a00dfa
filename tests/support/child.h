// support/child.h: one process that a case starts, talks to and kills, while the case goes on.
//   Threads    thread-bound; the thread that starts a child must outlive it: its end kills the child
//   Ownership  the destructor kills and reaps
//   Errors     exceptions: a case that cannot steer its processes has failed
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mobula::support {

struct ExitStatus {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;      // 0 when it ended by itself
};

class Child {
 public:
  // Runs `body` in a fork. REQUIRES: no lock that it needs is held by another thread of the caller.
  explicit Child(const std::function<void()> &body);
  // Runs a program.
  explicit Child(const std::vector<std::string> &argv,
                 const std::vector<std::pair<std::string, std::string>> &environment = {});
  Child(const Child &) = delete;
  Child &operator=(const Child &) = delete;
  ~Child();

  pid_t pid() const { return pid_; }
  // Next line of its stdout, without the end of line. Throws when none comes in time or the stream has ended.
  std::string read_line(std::int64_t timeout_ms = 10'000);
  void send_signal(int number) const;
  // Waits for its end. Throws when it does not come in time.
  ExitStatus wait(std::int64_t timeout_ms = 10'000);
  // SIGKILL, then waits.
  ExitStatus kill();

 private:
  void start(const std::function<void()> &body, const std::vector<std::pair<std::string, std::string>> &environment);
  void await_readable(int fd, std::int64_t timeout_ms, const char *what) const;

  pid_t pid_ = -1;
  int pidfd_ = -1;
  int stdout_fd_ = -1;
  bool ended_ = false;
  ExitStatus status_;
  std::string unread_;
};

}  // namespace mobula::support
