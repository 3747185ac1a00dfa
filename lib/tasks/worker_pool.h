// tasks/worker_pool.h: the templates, their workers, what each worker has in its queue, and who has the least and the
// most of it.
//   Layout     a template keeps its idle workers in list 0 and its busy ones in list 1 + (tasks that may be taken back)
//   Threads    thread-bound
//   Ownership  owns workers and templates, named by index; tasks are records of the TaskTable
//   Cost       O(1) each, unless stated; about 1 KiB a template
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tasks/number_table.h"
#include "tasks/ready_queues.h"
#include "tasks/slab.h"
#include "tasks/task_table.h"

namespace mobula::tasks {

struct WorkerRecord {
  WorkerNumber number = 0;
  std::uint32_t home = kNoIndex;      // its template's index
  TaskList queue;                     // offered to it and not known to be finished, in order of offer
  std::uint32_t offered = 0;          // of these, in state kOffered
  std::uint32_t movable = 0;          // of these, not the head: it may be taken back
  std::uint32_t place = kNoIndex;     // which list of its template it is in
  std::uint32_t previous = kNoIndex;  // in that list
  std::uint32_t next = kNoIndex;
  std::int64_t busy_since_ns = 0;  // when it got its slot, if anybody wanted to know then
  TemplateNumber yields_to = 0;    // if yielding
  bool blocked = false;
  bool busy = false;      // not blocked and something in its queue: has a slot
  bool yielding = false;  // gets nothing more until its queue is empty, so that another template gets the slot
  bool stopping = false;
};

struct WorkerList {
  std::uint32_t first = kNoIndex;
  std::uint32_t last = kNoIndex;
  std::uint32_t count = 0;
};

struct TemplateRecord {
  TemplateNumber number = 0;
  ReadyRing ready;
  TaskList waiting;
  std::uint32_t tasks = 0;        // in any state
  std::uint32_t workers = 0;      // alive, in any state
  std::uint32_t starting = 0;     // asked for, neither started nor failed
  std::uint32_t busy = 0;         // workers with a slot
  std::uint32_t movable = 0;      // sum over its workers
  std::uint32_t taking_back = 0;  // tasks in state kTakingBack
  std::uint32_t yielding = 0;     // its workers that yield
  std::uint32_t granted = 0;      // workers of others that yield to it
  std::uint32_t held = 0;         // slots kept for tasks that are being taken back; used inside one decision
  std::uint32_t active_place = kNoIndex;
  std::uint64_t last_turn = 0;  // when it last got a slot, in turns
  bool closing = false;         // no new workers
  std::vector<WorkerList> lists;
  std::vector<std::uint64_t> filled;  // one bit per list: not empty

  [[nodiscard]] const WorkerList &idle() const { return lists[0]; }
  // Work that another worker could do at once or as soon as it is taken back.
  [[nodiscard]] std::uint32_t backlog() const { return ready.count + movable + taking_back; }
};

class WorkerPool {
 public:
  WorkerPool(TaskTable &tasks, std::uint32_t offers_per_worker_max)
      : tasks_(tasks), offers_per_worker_max_(offers_per_worker_max) {}

  // kNoIndex if unknown; a closing template has no number any more.
  [[nodiscard]] std::uint32_t find_worker(WorkerNumber number) const { return worker_numbers_.index_of(number); }
  [[nodiscard]] std::uint32_t find_template(TemplateNumber number) const { return template_numbers_.index_of(number); }

  WorkerRecord &worker(std::uint32_t index) { return workers_[index]; }
  const WorkerRecord &worker(std::uint32_t index) const { return workers_[index]; }
  TemplateRecord &home(std::uint32_t index) { return templates_[index]; }
  const TemplateRecord &home(std::uint32_t index) const { return templates_[index]; }

  // REQUIRES: `number` unknown.
  void add_template(TemplateNumber number);
  // Its number is forgotten; the record stays until its last worker and task are gone.
  void close_template(std::uint32_t home);
  void task_added(std::uint32_t home);
  void task_gone(std::uint32_t home);

  // A new idle worker, which redeems a credit if its template has one. REQUIRES: `number` unknown.
  void add_worker(WorkerNumber number, std::uint32_t home);
  // REQUIRES: its queue is empty.
  void remove_worker(std::uint32_t worker);

  // Credits for workers that were asked for.
  void expect_workers(std::uint32_t home, std::uint32_t count);
  void expect_fewer_workers(std::uint32_t home, std::uint32_t count);

  // Adds the task at the end of the worker's queue, in state kOffered.
  void offer(std::uint32_t worker, std::uint32_t task);
  // Takes the task out of its worker's queue; its state becomes `state`.
  void withdraw(std::uint32_t task, TaskState state);
  // The task stays in its worker's queue in another state. REQUIRES: both are states of tasks in a queue.
  void change_state(std::uint32_t task, TaskState state);

  void set_blocked(std::uint32_t worker, bool blocked);
  void set_yielding(std::uint32_t worker, std::uint32_t to_home);
  void set_stopping(std::uint32_t worker);

  // Call after ready.count or taking_back changed.
  void backlog_changed(std::uint32_t home);

  // The busy worker of this template with the fewest, or the most, movable tasks; kNoIndex if there is none, or none
  // with a movable task. Yielding workers are left out. Cost: O(offers_per_worker_max / 64).
  [[nodiscard]] std::uint32_t shortest(std::uint32_t home) const;
  [[nodiscard]] std::uint32_t longest(std::uint32_t home) const;

  // Templates with a backlog, in no order.
  [[nodiscard]] const std::vector<std::uint32_t> &active() const { return active_; }
  [[nodiscard]] std::uint32_t template_index_end() const { return templates_.index_end(); }
  [[nodiscard]] std::size_t template_count() const { return templates_.used(); }
  [[nodiscard]] std::size_t worker_count() const { return workers_.used(); }
  [[nodiscard]] std::uint32_t busy_count() const { return busy_; }
  [[nodiscard]] std::uint32_t blocked_count() const { return blocked_; }
  [[nodiscard]] std::uint32_t starting_count() const { return starting_; }
  [[nodiscard]] std::uint32_t stopping_count() const { return stopping_; }

 private:
  void refresh(std::uint32_t worker);
  std::uint32_t wanted_place(const WorkerRecord &worker) const;
  void move_to(std::uint32_t worker, std::uint32_t place);
  void count_state(std::uint32_t task, std::uint32_t difference);
  void end_yield(WorkerRecord &worker);
  void free_if_unused(std::uint32_t home);

  TaskTable &tasks_;
  std::uint32_t offers_per_worker_max_;
  Slab<WorkerRecord> workers_;
  Slab<TemplateRecord> templates_;
  NumberTable worker_numbers_;
  NumberTable template_numbers_;
  std::vector<std::uint32_t> active_;
  std::uint32_t busy_ = 0;
  std::uint32_t blocked_ = 0;
  std::uint32_t starting_ = 0;
  std::uint32_t stopping_ = 0;
};

}  // namespace mobula::tasks
