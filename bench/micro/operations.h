// The operations that are measured: the same code for their time (main.cc) and for their instructions (count_one.cc).
//   Threads   one at a time, in the process's first thread, while it has no other: locks of a process with one thread
//             need no atomic operation
//   Errors    std::runtime_error when an operation does not do what it is measured for
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace bench::micro {

// Work is done in batches of so many operations; only `run` is measured.
constexpr int kBatch = 1000;

struct Operation {
  std::string name;
  bool needs_session = false;
  void (*prepare)() = nullptr;  // before each batch
  void (*run)() = nullptr;      // kBatch operations
  bool is_raylets = false;      // the work is done by the raylet: this process's instructions tell nothing
};

// In the order in which they are to run. Those that need a session come after those that need none.
std::vector<Operation> all_operations();

std::vector<Operation> atomic_operations();
std::vector<Operation> reference_operations();
std::vector<Operation> decision_operations();
std::vector<Operation> session_operations();

// Joins `address`, a session whose workers know the operations' functions; "" = one of its own. For those that need a
// session.
void start_session(const std::string &address);
void end_session();

// Nanoseconds from before an object is sealed until a thread that slept for it goes on. From then on the process has
// had a second thread.
double seal_to_wake_ns();
// Ends when the process does: from then on locks are atomic operations.
void start_idle_thread();

inline void require(bool good, const char *what) {
  if (!good) [[unlikely]]
    throw std::runtime_error(what);
}

}  // namespace bench::micro
