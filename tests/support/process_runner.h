// support/process_runner.h: runs one test case in a process of its own, with a time limit, and looks for what it left.
//   Threads    one run at a time per test program
//   Process    the child has its own session, its own XDG_RUNTIME_DIR, default signals, and ends with _exit; the caller
//              becomes a subreaper, so whatever the case started ends up here, however often it was forked
//   Errors     everything the case does wrong is in RunResult; an exception means that the machine refused a resource
//   Cost       two forks' time, a walk over /proc, and up to shmem_settle_ms when shared memory is missing
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mobula::support {

struct RunOptions {
  std::int64_t time_limit_ms = 30'000;       // then the whole tree is killed and the case has failed
  std::int64_t orphan_grace_ms = 2'000;      // how long processes may need to notice that the case is over
  bool check_fds = true;                     // run_isolated only: the same descriptors before and after
  bool check_processes = true;               // false: whatever still runs is left alone
  bool check_files = true;                   // nothing left in XDG_RUNTIME_DIR
  bool check_shmem = true;                   // Shmem: of /proc/meminfo back where it was
  std::int64_t shmem_tolerance_kib = 64;     // other programs of the machine own shared memory, too
  std::int64_t shmem_settle_ms = 2'000;      // the kernel frees the pages of a killed process a little later
  std::size_t output_bytes_max = 64 * 1024;  // of each stream; the rest is read and dropped
  bool private_runtime_dir = true;           // false: the caller's
  bool report = true;                        // print a failure, with what the case printed, to stderr
  std::vector<std::pair<std::string, std::string>> environment{};  // set in the child
};

// A program inside a running case: shares its XDG_RUNTIME_DIR, may leave processes behind, is only run and captured.
RunOptions inside_case(std::int64_t time_limit_ms = 30'000);

struct RunResult {
  bool ok = false;
  std::string reason;  // "" when ok; else all that is wrong, "; " between
  std::string output;  // what was written to stdout
  std::string errors;  // and to stderr
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;      // 0 when it ended by itself
  double elapsed_ms = 0;

  explicit operator bool() const { return ok; }
};

// For CHECK(run_isolated(...)): shows the reason, or "ok".
std::ostream &operator<<(std::ostream &stream, const RunResult &result);

// Runs `body` in a forked child. It fails by an exception, a failed doctest assertion (also CHECK), or by ending early.
RunResult run_isolated(const RunOptions &options, const std::function<void()> &body);

// Runs a program; ok needs exit status 0, too. REQUIRES: argv not empty; a name without '/' is looked up in PATH.
RunResult run_program(const std::vector<std::string> &argv, const RunOptions &options = {});

// Throws with `text` unless `condition`. For use inside a case.
void require(bool condition, std::string_view text);

}  // namespace mobula::support
