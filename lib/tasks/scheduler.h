// tasks/scheduler.h: which task runs on which worker, how many workers there are, and what a death or a blocked worker
// changes.
//   Threads    thread-bound (the raylet's loop). Pure: events in, decisions out; no fd, clock, thread, log
//   Ownership  owns its tables; names the rest by number. Numbers that it does not know are ignored: events may cross
//   Crash      raylet-private memory, gone with the raylet
//   Errors     a stated limit reached or an unknown template: false; std::invalid_argument for useless limits
//   Cost       events O(1) amortised, or O(tasks concerned). decide() O(decisions), and O(templates with a backlog) per
//              free slot. About 90 bytes per task, 40 per dependency
//
// Slots. A worker is busy while it is not blocked and has something in its queue. decide() never makes an idle worker
// busy when slots_count workers are; only worker_unblocked() exceeds slots_count, and that drains by offering nothing.
// Order. Within a template jobs take turns, each job first-in-first-out. A free slot goes to the template with the
// fewest busy workers. A template that has less than its share and an idle worker makes another one yield a worker,
// once that has had its slot for turn_ns: a change of workers costs more than a short task.
// Caller. Apply all decisions in order after each batch of events, and answer each kTakeBack with taken_back().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tasks/dependency_table.h"
#include "tasks/ready_queues.h"
#include "tasks/task_table.h"
#include "tasks/worker_pool.h"

namespace mobula::tasks {

struct SchedulerLimits {
  std::uint32_t slots_count = 1;             // busy workers at a time
  std::int64_t turn_ns = 0;                  // how long a worker keeps its slot before it may have to yield
  std::uint32_t offers_per_worker_max = 64;  // tasks in one worker's queue: the depth of its ring
  std::uint32_t workers_max = 1024;          // alive or starting, blocked ones included: bounds nesting
  std::uint32_t templates_max = 1024;        // one per job
  std::size_t tasks_max = 1U << 22;          // in any state, about 400 MB
  std::size_t dependencies_max = 1U << 23;   // unsettled (task, object) pairs, about 350 MB
};

struct Decision {
  enum class Kind : std::uint8_t {
    kOffer,         // put `task` into the ring of `worker`
    kTakeBack,      // try the claim word OFFERED -> IDLE, then call taken_back(task, worker, whether it worked)
    kStartWorkers,  // fork `count` workers of `template_number`; each ends in worker_started or worker_start_failed
    kStopWorker,    // `worker` is idle and not needed; it counts until worker_died
    kGiveUp,        // `task` can never run, its template was removed; forgotten here: settle it
  };
  Kind kind = Kind::kOffer;
  TaskNumber task = 0;
  WorkerNumber worker = 0;
  TemplateNumber template_number = 0;
  std::uint32_t count = 0;

  friend bool operator==(const Decision &, const Decision &) = default;
};

struct SchedulerFigures {
  std::size_t queued = 0;    // waiting + ready + offered + orphaned
  std::size_t waiting = 0;   // for objects
  std::size_t ready = 0;     // with no worker yet
  std::size_t offered = 0;   // in a worker's queue, running ones included
  std::size_t orphaned = 0;  // handed out by worker_died() and not judged yet
  std::size_t ending = 0;    // in a worker's queue although their job has ended; not in `queued`
  std::uint64_t finished = 0;
  std::size_t workers = 0;  // alive
  std::size_t workers_busy = 0;
  std::size_t workers_blocked = 0;
  std::size_t workers_starting = 0;
  std::size_t dependencies = 0;
};

class Scheduler {
 public:
  // REQUIRES: slots_count, offers_per_worker_max and workers_max are at least 1; else throws std::invalid_argument.
  explicit Scheduler(const SchedulerLimits &limits);
  Scheduler(const Scheduler &) = delete;
  Scheduler &operator=(const Scheduler &) = delete;

  // A template can fork workers from now on. False: templates_max reached, or it is there already.
  [[nodiscard]] bool template_added(TemplateNumber template_number);

  // No worker of this template will start again. Its living workers finish what they have and are stopped. Returns its
  // waiting and ready tasks, which are forgotten here: the caller settles them. Later ones come as kGiveUp.
  std::vector<TaskNumber> template_removed(TemplateNumber template_number);

  // A new task. `unsettled_dependencies` may name an object twice. False, with nothing changed: tasks_max or
  // dependencies_max reached, no such template, or the number is in use. Cost: O(dependencies).
  [[nodiscard]] bool task_submitted(TaskNumber task, JobNumber job, TemplateNumber template_number,
                                    std::span<const ObjectKey> unsettled_dependencies, std::uint32_t retries_left);

  // Tasks that wait for this object lose a dependency; those that become ready go to the end of their job's queue, or
  // to its front. Cost: O(tasks waiting for it).
  void object_settled(ObjectKey object, bool at_front = false);

  // What the task waits for and has not got.
  [[nodiscard]] std::vector<ObjectKey> awaited_by(TaskNumber task) const;

  // The tasks that wait for this object, oldest first.
  [[nodiscard]] std::vector<TaskNumber> waiting_on(ObjectKey object) const;

  // Its worker has finished it. In any order; also for a task whose job has ended, which then is not counted.
  void task_finished(TaskNumber task);

  // Its worker ran it, and it is to run again: ready at the front of its job, one retry less. False: none was left, or
  // its job or template is gone, and the task is forgotten: settle it.
  [[nodiscard]] bool task_failed(TaskNumber task);

  // Forgets the task, in whatever state. What was offered and not claimed the caller has taken back itself. A running
  // task's worker counts as free at once: to keep its slot until it reports, wait and call task_finished() then.
  void task_removed(TaskNumber task);

  // Forgets all tasks of the job and returns them; the caller settles them. Those in a worker's queue keep their place
  // there: each gets a kTakeBack, or is left until task_finished() or worker_died(), which no longer returns it.
  std::vector<TaskNumber> job_ended(JobNumber job);

  // A worker is ready for tasks, asked for or not. False, with nothing changed: workers_max reached, no such template
  // or number in use; stop it, and if it was asked for call worker_start_failed().
  [[nodiscard]] bool worker_started(WorkerNumber worker, TemplateNumber template_number);

  // One asked-for worker will not come. The next decide() asks again if it is still needed: the caller bounds that,
  // by template_removed().
  void worker_start_failed(TemplateNumber template_number);

  // The worker waits for an object: its slot is free, everything offered to it is taken back by the next decide().
  void worker_blocked(WorkerNumber worker);

  // The worker goes on at once, even if that exceeds slots_count.
  void worker_unblocked(WorkerNumber worker);

  // Forgets the worker and returns what was in its queue, in order of offer. The caller judges each by its claim and
  // result word, then calls requeue(), task_finished() or task_removed(). Pending take-backs need no answer.
  std::vector<TaskNumber> worker_died(WorkerNumber worker);

  // A task that worker_died() returned is ready again, at the front of its job: to keep their order requeue the last
  // one first. `counts_as_retry` consumes one of its retries. False: none was left, or its template is gone, and the
  // task is forgotten: settle it.
  [[nodiscard]] bool requeue(TaskNumber task, bool counts_as_retry);

  // How many workers may be busy from now on: `slots_count` was the first number. At least 1. More busy ones drain.
  void set_slots(std::uint32_t count);

  // The answer to a kTakeBack. Taken back, the task is ready again at the front; else it runs there or has run.
  void taken_back(TaskNumber task, WorkerNumber worker, bool success);

  // Replaces `decisions` by what to do now. They are in force here already. `now_ns` matters only when wants_time().
  void decide(std::vector<Decision> &decisions, std::int64_t now_ns = 0);
  [[nodiscard]] bool wants_time() const { return pool_.active().size() > 1; }
  // When the turn of a worker is over that another template waits for: call decide() then.
  [[nodiscard]] std::optional<std::int64_t> next_due_ns() const { return turn_over_ns_; }

  // The worker whose queue holds the task: a report by any other one is wrong.
  [[nodiscard]] std::optional<WorkerNumber> worker_of(TaskNumber task) const;

  // How often it may run again; 0 if unknown.
  [[nodiscard]] std::uint32_t retries_left(TaskNumber task) const;

  // Tasks in the worker's queue, running one included; 0 if unknown.
  [[nodiscard]] std::uint32_t offered_count(WorkerNumber worker) const;

  [[nodiscard]] SchedulerFigures figures() const;

 private:
  // Events.
  void make_ready(std::uint32_t task, bool at_front);
  void forget(std::uint32_t task);
  void end_in_worker(std::uint32_t task);
  void ask_back(std::uint32_t task, TaskState state, std::vector<Decision> &decisions);
  void stop_surplus_idle(std::uint32_t home);

  // Decisions, scheduler_decide.cc.
  void emit_pending(std::vector<Decision> &decisions);
  bool still_wanted(const Decision &decision) const;
  void assign_slots(std::vector<Decision> &decisions);
  std::uint32_t next_for_slot() const;
  void start_workers(std::vector<Decision> &decisions);
  std::uint32_t workers_lacking(const TemplateRecord &home) const;
  std::uint32_t make_room(std::uint32_t lacking, std::vector<Decision> &decisions);
  void yield_slots(std::vector<Decision> &decisions);
  std::uint32_t next_below_share() const;
  std::uint32_t next_to_yield(std::uint32_t to_home) const;
  void fill_queues(std::vector<Decision> &decisions);
  void offer_next(std::uint32_t worker, std::vector<Decision> &decisions);
  void take_back_tail(std::uint32_t worker, std::uint32_t count, std::vector<Decision> &decisions);
  void stop_idle(std::uint32_t worker, std::vector<Decision> &decisions);
  std::uint32_t share() const;

  SchedulerLimits limits_;
  const std::uint32_t idle_max_;  // of one template
  TaskTable tasks_;
  DependencyTable dependencies_;
  ReadyQueues ready_;
  WorkerPool pool_;
  std::vector<Decision> pending_;  // made by events, checked again and handed out by decide()
  std::vector<std::uint32_t> scratch_;
  std::uint64_t finished_ = 0;
  std::uint64_t turns_ = 0;
  std::int64_t now_ns_ = 0;  // of this decide()
  std::optional<std::int64_t> turn_over_ns_;
};

}  // namespace mobula::tasks
