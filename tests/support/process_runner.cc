#include "support/process_runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "support/child_setup.h"
#include "support/leak_checks.h"

namespace mobula::support {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail_with_errno(const char *what) { throw std::system_error(errno, std::generic_category(), what); }

class Fd {
 public:
  explicit Fd(int number = -1) : number_(number) {}
  Fd(Fd &&other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd &operator=(Fd &&other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Fd() { close(); }
  int get() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

// One stream of the child. Our end never blocks: a daemon left behind may hold the other end open for ever.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_with_errno("pipe2");
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
    ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  }

  // Reads what is there. False once every writer is gone.
  bool drain(std::size_t bytes_max) {
    std::array<char, 16384> buffer;
    for (;;) {
      const ssize_t got = ::read(reader.get(), buffer.data(), buffer.size());
      if (got == 0) return false;
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      const std::size_t room = bytes_max - std::min(bytes_max, text.size());
      text.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
    }
  }

  Fd reader;
  Fd writer;
  std::string text;
};

class RuntimeFolder {
 public:
  RuntimeFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mobula-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) fail_with_errno("mkdtemp");  // mode 0700
    path_ = pattern;
  }
  RuntimeFolder(const RuntimeFolder &) = delete;
  RuntimeFolder &operator=(const RuntimeFolder &) = delete;
  ~RuntimeFolder() {
    std::error_code ignored;  // a process that was just killed may have been the last to hold a file
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

// One run from fork to verdict. The functions are called in the order in which they stand here.
class Run {
 public:
  Run(const RunOptions &options, std::function<void()> body, bool isolated)
      : options_(options), body_(std::move(body)), isolated_(isolated) {
    if (options_.private_runtime_dir) folder_.emplace();
  }

  RunResult perform() {
    take_baseline();
    start();
    if (!wait_for_end()) complain(fmt::format("time limit of {} ms passed, alive: {}", options_.time_limit_ms, tree()));
    reap();
    if (options_.check_processes && timed_out_) kill_rest();
    if (options_.check_processes) await_orphans();
    if (options_.check_shmem) check_shmem();
    if (options_.check_processes) kill_orphans();
    if (options_.check_files && folder_) check_files();
    finish();
    return std::move(result_);
  }

 private:
  void take_baseline() {
    if (options_.check_processes && ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail_with_errno("subreaper");
    for (const ProcessInfo &info : children_of(::getpid())) known_.push_back(info.pid);
    if (options_.check_shmem) shmem_before_kib_ = shmem_kib();
  }

  void start() {
    std::fflush(nullptr);  // else the child would print it again
    std::cout.flush();
    started_ = Clock::now();
    child_ = ::fork();
    if (child_ < 0) fail_with_errno("fork");
    if (child_ == 0) run_child();
    output_.writer.close();
    errors_.writer.close();
    verdict_.writer.close();
    pidfd_ = Fd(open_pidfd(child_));
    if (pidfd_.get() < 0) fail_with_errno("pidfd_open");
  }

  [[noreturn]] void run_child() {
    ChildSetup setup;
    setup.stdout_fd = output_.writer.get();
    setup.stderr_fd = errors_.writer.get();
    setup.verdict_fd = verdict_.writer.get();
    setup.runtime_dir = folder_ ? folder_->path() : "";
    setup.environment = &options_.environment;
    setup.check_fds = isolated_ && options_.check_fds;
    output_.reader.close();
    errors_.reader.close();
    verdict_.reader.close();
    run_in_child(setup, body_);
  }

  // False when the time limit came first; the child is then killed.
  bool wait_for_end() {
    const auto deadline = started_ + std::chrono::milliseconds(options_.time_limit_ms);
    std::array<pollfd, 3> waits{
        {{pidfd_.get(), POLLIN, 0}, {output_.reader.get(), POLLIN, 0}, {errors_.reader.get(), POLLIN, 0}}};
    while ((waits[0].revents & POLLIN) == 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) {
        timed_out_ = true;
        return false;
      }
      if (::poll(waits.data(), waits.size(), static_cast<int>(left)) < 0 && errno != EINTR) fail_with_errno("poll");
      if (waits[1].revents != 0 && !output_.drain(options_.output_bytes_max)) waits[1].fd = -1;
      if (waits[2].revents != 0 && !errors_.drain(options_.output_bytes_max)) waits[2].fd = -1;
    }
    return true;
  }

  // Names the child and everything below it, for whoever has to find out who was waiting for whom.
  std::string tree() {
    std::string text;
    std::vector<pid_t> parents{child_};
    for (std::size_t next = 0; next < parents.size() && next < 64; ++next) {
      for (const ProcessInfo &info : children_of(parents[next])) {
        text += fmt::format(", {} {}", info.pid, info.command_line);
        parents.push_back(info.pid);
      }
    }
    return fmt::format("{} (the case){}", child_, text);
  }

  void reap() {
    if (timed_out_) ::kill(-child_, SIGKILL);  // it leads a process group of its own
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0) {
      if (errno != EINTR) fail_with_errno("waitpid");
    }
    result_.elapsed_ms = std::chrono::duration<double, std::milli>(Clock::now() - started_).count();
    if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
    if (timed_out_) return;
    verdict_.drain(options_.output_bytes_max);
    judge_exit();
  }

  void judge_exit() {
    const bool completed = verdict_.text.rfind(kVerdictStart, 0) == 0;
    if (completed) complain(verdict_.text.substr(kVerdictStart.size()));
    if (result_.signal != 0) {
      complain(fmt::format("killed by SIG{} (signal {})", ::sigabbrev_np(result_.signal), result_.signal));
    } else if (!completed && isolated_) {
      complain(fmt::format("ended early with exit status {}", result_.exit_code));
    } else if (!completed && result_.exit_code != 0) {
      complain(fmt::format("exit status {}", result_.exit_code));
    }
  }

  // Children that the run has brought us and that are still running; the dead among them are reaped.
  std::vector<ProcessInfo> orphans() {
    for (;;) {
      std::vector<ProcessInfo> running;
      bool reaped = false;
      for (const ProcessInfo &info : children_of(::getpid())) {
        if (std::find(known_.begin(), known_.end(), info.pid) != known_.end()) continue;
        if (info.state == 'Z') {
          ::waitpid(info.pid, nullptr, 0);
          reaped = true;
        } else {
          running.push_back(info);
        }
      }
      // A reaped one's own children may have become ours after the list was read.
      if (!reaped) return running;
    }
  }

  void await_orphans() {
    const auto deadline = Clock::now() + std::chrono::milliseconds(timed_out_ ? 0 : options_.orphan_grace_ms);
    for (std::vector<ProcessInfo> running = orphans(); !running.empty(); running = orphans()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
      const Fd first(open_pidfd(running.front().pid));
      pollfd wait{first.get(), POLLIN, 0};
      if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) == 0) return;
    }
  }

  void check_shmem() {
    const std::int64_t limit_kib = shmem_before_kib_ + options_.shmem_tolerance_kib + shmem_drift_kib();
    const auto deadline = Clock::now() + std::chrono::milliseconds(options_.shmem_settle_ms);
    std::int64_t now_kib = shmem_kib();
    while (now_kib > limit_kib && Clock::now() < deadline) {
      ::poll(nullptr, 0, 20);  // the kernel has no event for this figure
      now_kib = shmem_kib();
    }
    if (now_kib > limit_kib) {
      complain(fmt::format("shared memory left: {} KiB more than before", now_kib - shmem_before_kib_));
    }
  }

  // After a time limit the descendants are no finding of their own: they had no chance to end.
  void kill_rest() {
    for (std::vector<ProcessInfo> running = orphans(); !running.empty(); running = orphans()) kill_all(running);
  }

  // The children of what is killed become ours in turn, so this goes down the whole tree.
  void kill_orphans() {
    for (std::vector<ProcessInfo> running = orphans(); !running.empty(); running = orphans()) {
      for (const ProcessInfo &info : running) {
        complain(fmt::format("process left running: {} {}", info.pid, info.command_line));
      }
      kill_all(running);
    }
  }

  static void kill_all(const std::vector<ProcessInfo> &running) {
    for (const ProcessInfo &info : running) ::kill(info.pid, SIGKILL);
    for (const ProcessInfo &info : running) ::waitpid(info.pid, nullptr, 0);
  }

  void check_files() {
    for (const std::string &name : files_below(folder_->path())) {
      complain(fmt::format("file left in XDG_RUNTIME_DIR: {}", name));
    }
  }

  void finish() {
    output_.drain(options_.output_bytes_max);
    errors_.drain(options_.output_bytes_max);
    result_.output = std::move(output_.text);
    result_.errors = std::move(errors_.text);
    result_.ok = result_.reason.empty();
    if (!result_.ok && options_.report) {
      std::cerr << "--- failed: " << result_.reason << "\n--- stdout\n"
                << result_.output << "\n--- stderr\n"
                << result_.errors << "\n---\n";
    }
  }

  void complain(const std::string &text) {
    if (text.empty()) return;
    result_.reason += (result_.reason.empty() ? "" : "; ") + text;
  }

  const RunOptions options_;
  const std::function<void()> body_;
  const bool isolated_;
  std::optional<RuntimeFolder> folder_;
  Pipe output_;
  Pipe errors_;
  Pipe verdict_;
  std::vector<pid_t> known_;
  std::int64_t shmem_before_kib_ = 0;
  Clock::time_point started_;
  pid_t child_ = -1;
  Fd pidfd_;
  bool timed_out_ = false;
  RunResult result_;
};

}  // namespace

RunOptions inside_case(std::int64_t time_limit_ms) {
  RunOptions options;
  options.time_limit_ms = time_limit_ms;
  options.check_fds = options.check_processes = options.check_files = options.check_shmem = false;
  options.private_runtime_dir = false;
  return options;
}

std::ostream &operator<<(std::ostream &stream, const RunResult &result) {
  return stream << (result.ok ? "ok" : result.reason);
}

RunResult run_isolated(const RunOptions &options, const std::function<void()> &body) {
  return Run(options, body, true).perform();
}

RunResult run_program(const std::vector<std::string> &argv, const RunOptions &options) {
  const auto body = [&argv] { exec_program(argv); };
  return Run(options, body, false).perform();
}

void require(bool condition, std::string_view text) {
  if (!condition) throw std::runtime_error(std::string(text));
}

}  // namespace mobula::support
