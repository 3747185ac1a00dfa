// tasks/task_table.h: every task that the scheduler knows, its state, and the lists that run through the records.
//   Threads    thread-bound
//   Ownership  owns the records; a task is in at most one TaskList and in one job list
//   Cost       O(1) each; about 60 bytes a task plus its cell in the number table
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tasks/number_table.h"
#include "tasks/slab.h"

namespace mobula::tasks {

// Raylet-private, never reused.
using TaskNumber = std::uint64_t;
using WorkerNumber = std::uint32_t;
// Which template a worker was forked from, and which one's workers can run a task.
using TemplateNumber = std::uint32_t;
using JobNumber = std::uint32_t;
// Names an object that is not settled yet.
using ObjectKey = std::uint64_t;

enum class TaskState : std::uint8_t {
  kWaiting,      // for objects
  kReady,        // in a ready queue
  kOffered,      // in a worker's queue
  kTakingBack,   // in a worker's queue, an answer about taking it back is due
  kClaimed,      // in a worker's queue, could not be taken back: runs or has run
  kEndingAsked,  // as kTakingBack, but its job has ended: never ready again
  kEnding,       // as kClaimed, but its job has ended
  kOrphan,       // its worker died, or its template is gone: the caller decides
};
inline constexpr std::size_t kTaskStates = 8;

struct TaskRecord {
  TaskNumber number = 0;
  JobNumber job = 0;
  std::uint32_t home = kNoIndex;      // the template's index
  std::uint32_t worker = kNoIndex;    // the index of the worker whose queue it is in
  std::uint32_t previous = kNoIndex;  // in its TaskList
  std::uint32_t next = kNoIndex;
  std::uint32_t job_previous = kNoIndex;  // circular, oldest task first; kNoIndex: in no job list
  std::uint32_t job_next = kNoIndex;
  std::uint32_t first_edge = kNoIndex;  // in the DependencyTable
  std::uint32_t unsettled_count = 0;
  std::uint32_t retries_left = 0;
  TaskState state = TaskState::kWaiting;
};

// A doubly linked list through TaskRecord::previous and next.
struct TaskList {
  std::uint32_t first = kNoIndex;
  std::uint32_t last = kNoIndex;
  std::uint32_t count = 0;
};

class TaskTable {
 public:
  // A new record in state kWaiting, the newest of its job. REQUIRES: `number` unknown.
  std::uint32_t add(TaskNumber number, JobNumber job);

  // Forgets the task and leaves its job list. REQUIRES: in no TaskList.
  void remove(std::uint32_t task);

  // Leaves its job's list: the job is over, the task is not.
  void leave_job(std::uint32_t task);

  // kNoIndex if unknown.
  [[nodiscard]] std::uint32_t index_of(TaskNumber number) const { return numbers_.index_of(number); }
  [[nodiscard]] std::uint32_t first_of_job(JobNumber job) const { return jobs_.index_of(job); }

  TaskRecord &operator[](std::uint32_t task) { return records_[task]; }
  const TaskRecord &operator[](std::uint32_t task) const { return records_[task]; }

  void set_state(std::uint32_t task, TaskState state);

  [[nodiscard]] std::size_t size() const { return records_.used(); }
  [[nodiscard]] std::size_t count(TaskState state) const { return counts_[static_cast<std::size_t>(state)]; }

  void push_back(TaskList &list, std::uint32_t task);
  void push_front(TaskList &list, std::uint32_t task);
  void unlink(TaskList &list, std::uint32_t task);

 private:
  void join_job(std::uint32_t task);

  Slab<TaskRecord> records_;
  NumberTable numbers_;  // task number -> record
  NumberTable jobs_;     // job number -> its oldest task
  std::array<std::size_t, kTaskStates> counts_{};
};

}  // namespace mobula::tasks
