// tools/chaos_runs.h: the program of a chaos run, started again whenever it ends.
//   Threads    one thread
//   Process    each run is a child in a group of its own; what is left of the group when it ends is killed
//   Errors     how each run ended is counted; of the last one that failed by itself the end of its output is kept
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/child_process.h"

namespace mobula::tools {

constexpr std::size_t kTailLines = 10;
constexpr std::size_t kTailBytesMax = 4096;
constexpr std::int64_t kRunPauseMs = 50;  // between the starts of two runs at the least

// The last lines of a text, without its end.
std::string tail_of(const std::string &text);

struct RunCounts {
  std::uint64_t started = 0;
  std::uint64_t ended_well = 0;
  std::uint64_t struck = 0;      // the run or a driver of it was killed by us
  std::uint64_t failed = 0;      // a status other than 0, or a signal, that was none of ours
  std::uint64_t ended_last = 0;  // by SIGTERM or SIGKILL when the time was over
};

struct FailedRun {
  std::uint64_t number = 0;
  std::string how;  // "exit status 1", "killed by SIGSEGV"
  std::string tail;
};

class ChaosRuns {
 public:
  ChaosRuns(std::vector<std::string> command, std::string session)
      : command_(std::move(command)), session_(std::move(session)) {}

  // Status: it cannot be run at all. REQUIRES: none runs.
  Status start(std::int64_t now_ns);
  // The earliest moment for that.
  std::int64_t next_start_ns() const { return next_start_ns_; }
  bool is_running() const { return child_.is_running(); }
  const ChildProcess &child() const { return child_; }
  void read_output();
  // Notes that a process of this run was killed by us.
  void note_strike() { is_struck_ = true; }
  // Notes that it is asked to end, because the time is over.
  void ask_to_end(int signal);
  // When it has ended: counts how.
  void collect();

  const RunCounts &counts() const { return counts_; }
  const FailedRun &last_failure() const { return last_failure_; }
  std::uint64_t failures_in_a_row() const { return failures_in_a_row_; }

 private:
  void count(int status);

  const std::vector<std::string> command_;
  const std::string session_;
  ChildProcess child_;
  std::string tail_;
  bool is_struck_ = false;
  bool is_asked_to_end_ = false;
  std::int64_t next_start_ns_ = 0;
  RunCounts counts_;
  FailedRun last_failure_;
  std::uint64_t failures_in_a_row_ = 0;
};

}  // namespace mobula::tools
