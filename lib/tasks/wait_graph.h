// tasks/wait_graph.h: finds tasks that wait for each other, so that none of them will ever go on.
//   Threads    thread-bound, pure: what waits for what comes in by callbacks
//   Errors     finds nothing when it would have to look at more than kWaitStepsMax tasks
//   Cost       O(tasks that the given one waits for, directly or not); with waits for some of several, up to the limit.
//              The stack is about 300 bytes deep for each task of a chain
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "tasks/task_table.h"

namespace mobula::tasks {

constexpr std::uint32_t kWaitStepsMax = 4096;

// Why a task cannot go on before another one has.
enum class WaitReason : std::uint8_t {
  kResult,    // it is blocked until the other's result is there
  kArgument,  // it has not begun: the other's result is its argument
  kQueue,     // it stands behind the other in an actor's queue
  kResource,  // the other has what it asked for
};

struct Wait {
  WaitReason reason = WaitReason::kResult;
  std::vector<TaskNumber> tasks;  // any of which lets it go on, or all of which must have ended
  std::size_t needed = 0;         // how many of them; what is there already is not in `tasks`
};

// One step of a chain: `task` waits for the task of the next step, that of the last for the first one's.
struct WaitStep {
  TaskNumber task = 0;
  WaitReason reason = WaitReason::kResult;

  friend bool operator==(const WaitStep &, const WaitStep &) = default;
};

class WaitGraph {
 public:
  // Everything that the task waits for, all of which it needs. None: it runs, or will.
  using WaitsOf = std::function<std::vector<Wait>(TaskNumber)>;

  explicit WaitGraph(WaitsOf waits_of) : waits_of_(std::move(waits_of)) {}

  // The chain from `start` back to itself when it can never go on because of that; empty otherwise.
  std::vector<WaitStep> cycle_of(TaskNumber start);

 private:
  bool is_stuck(TaskNumber task);
  bool is_stuck_in(TaskNumber task, const Wait &wait);

  WaitsOf waits_of_;
  std::vector<WaitStep> path_;
  std::unordered_set<TaskNumber> on_path_;
  std::unordered_set<TaskNumber> free_;  // known to go on some day
  std::vector<WaitStep> cycle_;
  std::uint32_t steps_ = 0;
};

// "deadlock: task f (pid 12) waits for the result of actor call A.g, which is queued behind A.h (pid 13), which waits
// for the result of task f (pid 12)". REQUIRES: a chain as cycle_of() gives it.
std::string deadlock_text(const std::vector<WaitStep> &cycle, const std::function<std::string(TaskNumber)> &describe);

}  // namespace mobula::tasks
