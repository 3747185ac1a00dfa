// tasks/ready_queues.h: the ready tasks of each template: one first-in-first-out queue per job, the jobs take turns.
//   Threads    thread-bound
//   Ownership  owns the queues; the tasks are records of the TaskTable, linked through their TaskList fields
//   Cost       O(1) each
#pragma once

#include <cstdint>

#include "tasks/number_table.h"
#include "tasks/slab.h"
#include "tasks/task_table.h"

namespace mobula::tasks {

// One template's ready tasks.
struct ReadyRing {
  std::uint32_t turn = kNoIndex;  // the job queue that is served next; circular, holds only jobs with ready tasks
  std::uint32_t count = 0;
};

class ReadyQueues {
 public:
  explicit ReadyQueues(TaskTable &tasks) : tasks_(tasks) {}

  // Adds the task at the end, or at the front, of its job's queue. REQUIRES: `ring` is the one of its template.
  void push_back(ReadyRing &ring, std::uint32_t task);
  void push_front(ReadyRing &ring, std::uint32_t task);

  // Takes the first task of the job whose turn it is; the next job's turn follows. REQUIRES: ring.count > 0.
  std::uint32_t pop(ReadyRing &ring);

  // Takes `task` out, wherever it stands.
  void remove(ReadyRing &ring, std::uint32_t task);

 private:
  struct JobQueue {
    std::uint64_t name = 0;  // template and job
    TaskList list;
    std::uint32_t previous = kNoIndex;
    std::uint32_t next = kNoIndex;
  };

  std::uint64_t name_of(std::uint32_t task) const;
  JobQueue &queue_for(ReadyRing &ring, std::uint32_t task);
  void join(ReadyRing &ring, std::uint32_t queue);
  void leave(ReadyRing &ring, std::uint32_t queue);

  TaskTable &tasks_;
  Slab<JobQueue> queues_;
  NumberTable names_;  // template and job -> queue
};

}  // namespace mobula::tasks
