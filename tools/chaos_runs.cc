#include "tools/chaos_runs.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "tools/processes.h"

namespace mobula::tools {
namespace {

std::string describe_status(int status) {
  if (WIFEXITED(status)) return fmt::format("exit status {}", WEXITSTATUS(status));
  const char *const name = sigabbrev_np(WTERMSIG(status));  // null for the real-time ones
  return name == nullptr ? fmt::format("killed by signal {}", WTERMSIG(status)) : fmt::format("killed by SIG{}", name);
}

}  // namespace

std::string tail_of(const std::string &text) {
  std::size_t end = text.size();
  while (end > 0 && text[end - 1] == '\n') --end;
  std::size_t begin = end;
  for (std::size_t lines = 0; begin > 0; --begin) {
    if (text[begin - 1] == '\n' && ++lines == kTailLines) break;
  }
  return text.substr(begin, end - begin);
}

Status ChaosRuns::start(std::int64_t now_ns) {
  tail_.clear();
  is_struck_ = is_asked_to_end_ = false;
  next_start_ns_ = now_ns + kRunPauseMs * base::kNanosecondsPerMillisecond;
  ChildOptions options;
  options.command = command_;
  options.environment = {{"RAY_ADDRESS", session_}};
  if (Status status = ChildProcess::start(options, &child_)) return status;
  ++counts_.started;
  return nullptr;
}

void ChaosRuns::read_output() {
  tail_ += child_.read_output();
  if (tail_.size() > 2 * kTailBytesMax) tail_.erase(0, tail_.size() - kTailBytesMax);
}

void ChaosRuns::ask_to_end(int signal) {
  if (!child_.is_running()) return;
  is_asked_to_end_ = true;
  child_.signal_group(signal);
}

void ChaosRuns::collect() {
  const std::optional<int> status = child_.collect();
  if (!status) return;
  read_output();
  count(*status);
}

void ChaosRuns::count(int status) {
  failures_in_a_row_ += 1;
  if (is_asked_to_end_) {
    ++counts_.ended_last;
  } else if (status == 0) {
    ++counts_.ended_well;
    failures_in_a_row_ = 0;
  } else if (is_struck_) {
    ++counts_.struck;
    failures_in_a_row_ = 0;
  } else {
    ++counts_.failed;
    last_failure_ = {counts_.started, describe_status(status), tail_of(tail_)};
  }
}

}  // namespace mobula::tools
