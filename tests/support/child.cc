#include "support/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <system_error>

#include "support/child_setup.h"

namespace mobula::support {
namespace {

int checked(int result, const char *what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

}  // namespace

Child::Child(const std::function<void()> &body) { start(body, {}); }

Child::Child(const std::vector<std::string> &argv,
             const std::vector<std::pair<std::string, std::string>> &environment) {
  start([&argv] { exec_program(argv); }, environment);
}

Child::~Child() {
  if (!ended_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(pidfd_);
  ::close(stdout_fd_);
}

std::string Child::read_line(std::int64_t timeout_ms) {
  for (;;) {
    const std::size_t end = unread_.find('\n');
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    await_readable(stdout_fd_, timeout_ms, "no line came in time");
    std::array<char, 4096> buffer;
    const ssize_t got = checked(static_cast<int>(::read(stdout_fd_, buffer.data(), buffer.size())), "read");
    if (got == 0) throw std::runtime_error("the child ended its output: \"" + unread_ + "\"");
    unread_.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void Child::send_signal(int number) const {
  if (!ended_) checked(::kill(pid_, number), "kill");
}

ExitStatus Child::wait(std::int64_t timeout_ms) {
  if (ended_) return status_;
  await_readable(pidfd_, timeout_ms, "the child did not end in time");
  int status = 0;
  checked(::waitpid(pid_, &status, 0), "waitpid");
  ended_ = true;
  if (WIFEXITED(status)) status_.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) status_.signal = WTERMSIG(status);
  return status_;
}

ExitStatus Child::kill() {
  send_signal(SIGKILL);
  return wait();
}

void Child::start(const std::function<void()> &body,
                  const std::vector<std::pair<std::string, std::string>> &environment) {
  std::array<int, 2> pipe{};
  checked(::pipe2(pipe.data(), O_CLOEXEC), "pipe2");
  std::fflush(nullptr);  // else the child would print it again
  std::cout.flush();
  pid_ = checked(::fork(), "fork");
  if (pid_ == 0) {
    ::close(pipe[0]);
    ChildSetup setup;
    setup.stdout_fd = pipe[1];
    setup.environment = &environment;
    setup.new_session = false;
    run_in_child(setup, body);
  }
  ::close(pipe[1]);
  stdout_fd_ = pipe[0];
  pidfd_ = checked(open_pidfd(pid_), "pidfd_open");
}

void Child::await_readable(int fd, std::int64_t timeout_ms, const char *what) const {
  pollfd wait{fd, POLLIN, 0};
  if (checked(::poll(&wait, 1, static_cast<int>(timeout_ms)), "poll") == 0) throw std::runtime_error(what);
}

}  // namespace mobula::support
