// tasks/deadlines.h: which task is due when. Only the next one needs a timer.
//   Threads    thread-bound, pure: `now` comes in
//   Ownership  names tasks by number; numbers that it does not know are ignored
//   Cost       O(log deadlines); about 100 bytes each
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tasks/task_table.h"

namespace mobula::tasks {

class Deadlines {
 public:
  // Replaces the task's former one.
  void set(TaskNumber task, std::int64_t due_ns) {
    remove(task);
    by_time_.emplace(due_ns, task);
    by_task_[task] = due_ns;
  }

  void remove(TaskNumber task) {
    const auto found = by_task_.find(task);
    if (found == by_task_.end()) return;
    by_time_.erase({found->second, task});
    by_task_.erase(found);
  }

  // When the timer should fire; nothing when there is no deadline.
  [[nodiscard]] std::optional<std::int64_t> next_ns() const {
    if (by_time_.empty()) return std::nullopt;
    return by_time_.begin()->first;
  }

  // Forgets those that are due at `now_ns` and returns them, the earliest first.
  std::vector<TaskNumber> take_due(std::int64_t now_ns) {
    std::vector<TaskNumber> due;
    while (!by_time_.empty() && by_time_.begin()->first <= now_ns) {
      due.push_back(by_time_.begin()->second);
      by_task_.erase(due.back());
      by_time_.erase(by_time_.begin());
    }
    return due;
  }

  [[nodiscard]] std::size_t size() const { return by_task_.size(); }

 private:
  std::set<std::pair<std::int64_t, TaskNumber>> by_time_;
  std::unordered_map<TaskNumber, std::int64_t> by_task_;
};

}  // namespace mobula::tasks
