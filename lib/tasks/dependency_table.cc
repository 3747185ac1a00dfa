#include "tasks/dependency_table.h"

namespace mobula::tasks {

void DependencyTable::add(TaskTable &tasks, std::uint32_t task, std::span<const ObjectKey> keys) {
  TaskRecord &record = tasks[task];
  for (const ObjectKey key : keys) {
    if (link(task, key, record.first_edge, record.first_edge)) {
      ++record.unsettled_count;
    }
  }
}

// False if the task already waits for `key`: the newest edge of a key tells, a task adds all of its edges at once.
bool DependencyTable::link(std::uint32_t task, ObjectKey key, std::uint32_t next_of_task, std::uint32_t &edge) {
  const std::uint32_t oldest = keys_.index_of(key);
  if (oldest != kNoIndex && edges_[edges_[oldest].previous].task == task) {
    return false;
  }
  const std::uint32_t added = edges_.take();
  if (oldest == kNoIndex) {
    edges_[added] = {key, task, added, added, next_of_task};
    keys_.insert(key, added);
  } else {
    const std::uint32_t newest = edges_[oldest].previous;
    edges_[added] = {key, task, newest, oldest, next_of_task};
    edges_[newest].next = added;
    edges_[oldest].previous = added;
  }
  edge = added;
  return true;
}

void DependencyTable::settle(ObjectKey key, std::vector<std::uint32_t> &waiting) {
  waiting.clear();
  std::uint32_t edge = keys_.index_of(key);
  keys_.erase(key);
  // The edges stay until their task drops them all; an empty `previous` marks them settled and ends the circle.
  while (edge != kNoIndex && edges_[edge].previous != kNoIndex) {
    waiting.push_back(edges_[edge].task);
    edges_[edge].previous = kNoIndex;
    edge = edges_[edge].next;
  }
}

void DependencyTable::list(ObjectKey key, std::vector<std::uint32_t> &waiting) const {
  waiting.clear();
  const std::uint32_t oldest = keys_.index_of(key);
  if (oldest == kNoIndex) {
    return;
  }
  std::uint32_t edge = oldest;
  do {
    waiting.push_back(edges_[edge].task);
    edge = edges_[edge].next;
  } while (edge != oldest);
}

std::vector<ObjectKey> DependencyTable::awaited_by(const TaskTable &tasks, std::uint32_t task) const {
  std::vector<ObjectKey> keys;
  for (std::uint32_t edge = tasks[task].first_edge; edge != kNoIndex; edge = edges_[edge].next_of_task) {
    if (edges_[edge].previous != kNoIndex) keys.push_back(edges_[edge].key);
  }
  return keys;
}

void DependencyTable::drop(TaskTable &tasks, std::uint32_t task) {
  std::uint32_t edge = tasks[task].first_edge;
  while (edge != kNoIndex) {
    const std::uint32_t following = edges_[edge].next_of_task;
    if (edges_[edge].previous != kNoIndex) {
      unlink(edge);
    }
    edges_.release(edge);
    edge = following;
  }
  tasks[task].first_edge = kNoIndex;
  tasks[task].unsettled_count = 0;
}

void DependencyTable::unlink(std::uint32_t edge) {
  const Edge removed = edges_[edge];
  if (removed.next == edge) {
    keys_.erase(removed.key);
    return;
  }
  std::uint32_t *oldest = keys_.find(removed.key);
  if (*oldest == edge) {
    *oldest = removed.next;
  }
  edges_[removed.previous].next = removed.next;
  edges_[removed.next].previous = removed.previous;
}

}  // namespace mobula::tasks
