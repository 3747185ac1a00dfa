// raylet/process_watch.h: tells the raylet's loop when a process has ended, by its pidfd.
//   Threads    thread-bound (the raylet's loop)
//   Ownership  a watch that is destroyed tells nothing any more, also when its news was on its way
//   Cost       one descriptor
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <memory>

#include "raylet/asio.h"

namespace mobula::raylet {

class ProcessWatch : public std::enable_shared_from_this<ProcessWatch> {
 public:
  // Null when there is no such process. `ended` is called once, by the loop, when every thread of it is gone.
  static std::shared_ptr<ProcessWatch> start(asio::io_context &loop, pid_t pid, std::function<void()> ended) {
    const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (pidfd < 0) return nullptr;
    std::shared_ptr<ProcessWatch> watch(new ProcessWatch(loop, pidfd, std::move(ended)));
    watch->wait();
    return watch;
  }
  // Never another process of that number.
  void kill() { syscall(SYS_pidfd_send_signal, pidfd_.native_handle(), SIGKILL, nullptr, 0); }
  int native_handle() { return pidfd_.native_handle(); }

 private:
  ProcessWatch(asio::io_context &loop, int pidfd, std::function<void()> ended)
      : pidfd_(loop, pidfd), ended_(std::move(ended)) {}

  // Boost.Asio keeps the state of a closed descriptor for the next one that is opened, with what its epoll has reported
  // and the loop not looked at yet: the news of one process's end would reach the watch of another. So it is asked
  // again.
  void wait() {
    pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, [weak = weak_from_this()](const ErrorCode &error) {
      const std::shared_ptr<ProcessWatch> self = weak.lock();
      if (error || self == nullptr) return;
      self->has_ended() ? self->ended_() : self->wait();
    });
  }
  bool has_ended() {
    pollfd gone{pidfd_.native_handle(), POLLIN, 0};
    return poll(&gone, 1, 0) == 1;
  }

  asio::posix::stream_descriptor pidfd_;
  std::function<void()> ended_;
};

}  // namespace mobula::raylet
