#include "tasks/wait_graph.h"

#include <string_view>

namespace mobula::tasks {
namespace {

std::string_view phrase(WaitReason reason) {
  switch (reason) {
    case WaitReason::kResult:
      return " waits for the result of ";
    case WaitReason::kArgument:
      return " needs as its argument the result of ";
    case WaitReason::kQueue:
      return " is queued behind ";
    case WaitReason::kResource:
      return " asks for resources that are held by ";
  }
  return "";
}

}  // namespace

std::vector<WaitStep> WaitGraph::cycle_of(TaskNumber start) {
  path_.clear();
  on_path_.clear();
  free_.clear();
  cycle_.clear();
  steps_ = 0;
  const bool stuck = is_stuck(start);
  return stuck && steps_ <= kWaitStepsMax ? cycle_ : std::vector<WaitStep>{};
}

// Who is on the path counts as stuck: that is what a cycle is. So "free" is certain, and "stuck" holds if the whole
// path turns out to be.
bool WaitGraph::is_stuck(TaskNumber task) {
  if (on_path_.contains(task)) {
    if (path_.front().task == task) cycle_ = path_;
    return true;
  }
  if (free_.contains(task) || ++steps_ > kWaitStepsMax) return false;
  on_path_.insert(task);
  path_.push_back({task, WaitReason::kResult});
  bool stuck = false;
  for (const Wait &wait : waits_of_(task)) {
    stuck = is_stuck_in(task, wait);
    if (stuck) break;
  }
  path_.pop_back();
  on_path_.erase(task);
  if (!stuck) free_.insert(task);
  return stuck;
}

bool WaitGraph::is_stuck_in(TaskNumber task, const Wait &wait) {
  const std::vector<WaitStep> before = cycle_;
  path_.back() = {task, wait.reason};
  std::size_t open = wait.tasks.size();  // that may still turn out to be free
  for (const TaskNumber other : wait.tasks) {
    if (open < wait.needed) break;
    if (is_stuck(other)) --open;
  }
  if (open < wait.needed) return true;
  cycle_ = before;
  return false;
}

std::string deadlock_text(const std::vector<WaitStep> &cycle, const std::function<std::string(TaskNumber)> &describe) {
  std::string text = "deadlock: " + describe(cycle.front().task);
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    if (i > 0) text += ", which";
    text += phrase(cycle[i].reason);
    text += describe(cycle[(i + 1) % cycle.size()].task);
  }
  return text;
}

}  // namespace mobula::tasks
