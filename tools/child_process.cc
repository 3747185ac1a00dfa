#include "tools/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace mobula::tools {
namespace {

constexpr std::size_t kBytesPerRead = 256 * 1024;  // one that writes without end does not keep us
constexpr int kCannotRun = 127;                    // the status that shells give it

struct Pipe {
  Pipe() {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) base::throw_errno("pipe2");
    reader = base::File(ends[0]);
    writer = base::File(ends[1]);
  }
  base::File reader;
  base::File writer;
};

void default_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT}) signal(number, SIG_DFL);
}

// In the child: becomes the program, or tells `trouble` the error.
[[noreturn]] void become(const ChildOptions &options, pid_t parent, int output, int trouble) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotRun);
  setpgid(0, 0);
  default_signals();
  const int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(options.with_errors ? output : nothing, STDERR_FILENO);
  for (const auto &[name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char *> words;
  for (const std::string &word : options.command) words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  const int code = errno;
  [[maybe_unused]] const ssize_t told = write(trouble, &code, sizeof code);
  _exit(kCannotRun);
}

}  // namespace

ChildProcess::ChildProcess(ChildProcess &&other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)), output_(std::move(other.output_)) {}

ChildProcess &ChildProcess::operator=(ChildProcess &&other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  output_ = std::move(other.output_);
  return *this;
}

Status ChildProcess::start(const ChildOptions &options, ChildProcess *child) {
  Pipe output;
  Pipe trouble;
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) base::throw_errno("fork");
  if (pid == 0) become(options, parent, output.writer.get(), trouble.writer.get());
  output.writer.reset();
  trouble.writer.reset();
  ChildProcess started;
  started.pid_ = pid;
  started.pidfd_ = base::File(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!started.pidfd_) base::throw_errno("pidfd_open");
  int code = 0;
  if (read(trouble.reader.get(), &code, sizeof code) == static_cast<ssize_t>(sizeof code)) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("cannot run '{}': {}", options.command[0], std::strerror(code)));
  }
  fcntl(output.reader.get(), F_SETFL, O_NONBLOCK);
  started.output_ = std::move(output.reader);
  *child = std::move(started);
  return nullptr;
}

std::string ChildProcess::read_output() {
  std::string text;
  char buffer[4096];
  while (output_ && text.size() < kBytesPerRead) {
    const ssize_t got = read(output_.get(), buffer, sizeof buffer);
    if (got > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
    } else if (got == 0) {
      output_.reset();
    } else if (errno != EINTR) {
      break;
    }
  }
  return text;
}

std::string ChildProcess::read_all_output(std::size_t bytes_max) {
  std::string text;
  while (output_) {
    pollfd ready{output_.get(), POLLIN, 0};
    if (poll(&ready, 1, -1) < 0 && errno != EINTR) base::throw_errno("poll");
    text += read_output();
    if (text.size() > bytes_max) text.resize(bytes_max);
  }
  return text;
}

void ChildProcess::signal_group(int number) const {
  if (pid_ > 0) kill(-pid_, number);
}

std::optional<int> ChildProcess::collect() {
  if (pid_ <= 0) return std::nullopt;
  siginfo_t info{};
  // The group's number is safe while its leader is not collected.
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != pid_)
    return std::nullopt;
  return wait();
}

int ChildProcess::wait() {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
  kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = -1;
  pidfd_.reset();
  return status;
}

void ChildProcess::end() {
  if (pid_ <= 0) return;
  signal_group(SIGKILL);
  wait();
}

}  // namespace mobula::tools
