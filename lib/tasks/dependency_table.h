// tasks/dependency_table.h: which tasks wait for which unsettled objects.
//   Threads    thread-bound
//   Ownership  owns one edge per (task, object) pair; tasks are indices of the TaskTable
//   Cost       O(1) per edge; 24 bytes an edge
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tasks/number_table.h"
#include "tasks/slab.h"
#include "tasks/task_table.h"

namespace mobula::tasks {

class DependencyTable {
 public:
  // `task` waits for `keys`; a key named twice counts once. Writes first_edge and unsettled_count of the record.
  void add(TaskTable &tasks, std::uint32_t task, std::span<const ObjectKey> keys);

  // `key` is settled: fills `waiting` with the tasks that waited for it, oldest first. Their counts are the caller's.
  void settle(ObjectKey key, std::vector<std::uint32_t> &waiting);

  // Fills `waiting` with the tasks that wait for `key`, oldest first.
  void list(ObjectKey key, std::vector<std::uint32_t> &waiting) const;

  // The keys that `task` waits for and that are not settled.
  [[nodiscard]] std::vector<ObjectKey> awaited_by(const TaskTable &tasks, std::uint32_t task) const;

  // Forgets every edge of `task`, settled or not. Cost: O(its edges).
  void drop(TaskTable &tasks, std::uint32_t task);

  [[nodiscard]] std::size_t edge_count() const { return edges_.used(); }

 private:
  struct Edge {
    ObjectKey key = 0;
    std::uint32_t task = kNoIndex;
    std::uint32_t previous = kNoIndex;  // circular through the edges of the key; kNoIndex: the key is settled
    std::uint32_t next = kNoIndex;
    std::uint32_t next_of_task = kNoIndex;
  };

  bool link(std::uint32_t task, ObjectKey key, std::uint32_t next_of_task, std::uint32_t &edge);
  void unlink(std::uint32_t edge);

  Slab<Edge> edges_;
  NumberTable keys_;  // object key -> its oldest edge
};

}  // namespace mobula::tasks
