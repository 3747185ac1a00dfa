// support/explorer.h: runs a few threads in every order, with every value that C++ lets a load see.
//   Search     depth-first over all choices (whose turn, which message a load reads), each execution from the start.
//              The choices are cut where the result cannot differ: accesses to what one thread alone touches, unlocks,
//              and orders of independent operations (sleep sets). So "executions" are those that differ
//   Threads    coroutines of the calling thread. Preparation and checks run outside of them, on the latest values
//   Errors     a failure has what went wrong, the operations in their order, and the value for MOBULA_SCHEDULE with
//              which that test case (-tc=) runs this one execution again. Limits are failures: nothing is cut off
//              silently
//   Ownership  an execution that is given up leaves the stacks of its threads as they are: what they own on them leaks
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/memory_model.h"

namespace mobula::support {

// One execution in preparation. REQUIRES: the same threads in each execution, doing the same in the same order of
// turns, and every atomic at the same address; locks are made anew.
class Scenario {
 public:
  using Check = std::function<std::string()>;  // empty: as it should be

  void thread(std::string name, std::function<void()> body) { threads_.emplace_back(std::move(name), std::move(body)); }
  // How the trace calls an atomic.
  void name(const void *address, const char *text) { names_.emplace_back(address, text); }
  // Runs after every operation of any thread. REQUIRES: what it reads is named by watch(), so that it meets every order
  // of the writes to them, or is changed by a thread between its operations.
  void after_each_step(Check check) { step_check_ = std::move(check); }
  void watch(const void *address) { watched_.push_back(address); }
  // Runs when all threads are through.
  void at_end(Check check) { end_check_ = std::move(check); }

 private:
  friend class Explorer;
  std::vector<std::pair<std::string, std::function<void()>>> threads_;
  std::vector<std::pair<const void *, const char *>> names_;
  std::vector<const void *> watched_;
  Check step_check_;
  Check end_check_;
};

struct ExplorerLimits {
  std::uint64_t executions_max = 300'000;
  std::uint32_t steps_max = 400;   // operations of one execution
  std::uint32_t spurious_max = 1;  // weak compare-exchanges of one thread that fail for no reason
  bool cuts_equals = true;         // false: every order, also those that cannot differ
};

struct Exploration {
  std::uint64_t executions = 0;  // run to their end
  std::uint64_t cut = 0;         // given up, because another one is the same
  std::string failure;           // empty: every execution is right
  std::string schedule;          // of the failed execution, for MOBULA_SCHEDULE
};

// All executions, up to the first failure. `prepare` is called for each.
Exploration explore(const std::function<void(Scenario &)> &prepare, const ExplorerLimits &limits = {});
// One execution, as Exploration::schedule tells it. Its operations are in `failure`, whether it failed or not.
Exploration replay(const std::function<void(Scenario &)> &prepare, const std::string &schedule);

// On a thread of a scenario: fails the execution unless the condition holds.
void expect(bool condition, const char *sentence);

// Plain bytes, as far as races go. Only on threads of a scenario.
class Cell {
 public:
  void read() const { touch(false); }
  void write() { touch(true); }

 private:
  void touch(bool is_write) const;
};

}  // namespace mobula::support
