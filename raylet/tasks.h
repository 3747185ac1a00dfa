// raylet/tasks.h: the tasks of the session: takes them from rings, hands them to workers, judges them after deaths. The
// thin edge of tasks/scheduler.h.
//   Threads    thread-bound (the raylet's loop)
//   Crash      a worker's death: its task is judged by claim and result word, whatever was reported (rule 28)
//   Errors     a submission that breaks the protocol gives false: the caller expels the client
//   Cost       O(arguments) per task
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "raylet/clients.h"
#include "raylet/store.h"
#include "tasks/scheduler.h"
#include "tasks/task_spec.h"
#include "wire/ring_messages.h"

namespace mobula::raylet {

struct TaskFigures {
  std::uint64_t queued = 0;
  std::uint64_t running = 0;
  std::uint64_t finished = 0;
  std::uint64_t failed = 0;
};

class Tasks {
 public:
  // What the tasks need of the rest of the raylet.
  struct Edge {
    // The template whose workers can run the function for this job; nothing when there is none.
    std::function<std::optional<std::uint32_t>(std::uint64_t function, std::uint32_t job)> template_for;
    std::function<void(std::uint32_t template_number, std::uint32_t count)> start_workers;
    std::function<void(Client &worker)> kill;
    // Reads what the worker has reported and we have not seen.
    std::function<void(Client &worker)> drain;
  };

  Tasks(Store &store, Clients &clients, std::uint32_t slots_count, Edge edge);

  tasks::Scheduler &scheduler() { return scheduler_; }

  // Ring messages. False: the client broke the protocol.
  bool on_submit(Client &client, const wire::TaskNames &names);
  bool on_done(Client &worker, const wire::TaskNames &names);
  bool on_blocked(Client &worker, bool blocked);
  // A signal has stopped the worker, or lets it go on: nobody waits for it meanwhile.
  void on_stopped(Client &worker, bool stopped) { change(worker, &Client::stopped, stopped); }
  // The worker has skipped all taken-back slots of its ring.
  void on_skipped(Client &worker) { change(worker, &Client::parked, false); }

  // The worker is ready. False: the scheduler has no use for it.
  bool on_worker_started(const Client &worker);
  // After its ring was drained, before its bits are cleared.
  void on_worker_died(Client &worker, std::int32_t signal);
  // The driver has gone: its tasks end, wherever they are.
  void on_job_ended(std::uint32_t job);
  // The reaper failed an object that no task was to make: whoever waits for it gets the same failure.
  void on_failed(const refs::ObjectName &name);
  // No worker can ever run these: the functions are not to be had.
  void fail_template(std::uint32_t template_number, const segment::Verdict &verdict);

  // Carries out what the scheduler decides now. True when there was something.
  bool act();

  TaskFigures figures() const;

 private:
  struct Task {
    std::uint64_t number = 0;
    wire::TaskNames names;
    std::uint64_t function = 0;
    std::uint32_t job = 0;
    std::uint32_t template_number = 0;
    bool ending = false;                       // its job is over; it only waits to leave a worker's queue
    std::vector<refs::ObjectName> referenced;  // arguments and what they contain
  };

  std::optional<tasks::TaskSpec> read_spec(const Client &client, const wire::TaskNames &names);
  bool owns_new_result(const Client &client, const refs::ObjectName &result) const;
  static std::uint32_t job_of(const Client &client);
  void note_job(Client &worker);
  bool hold_arguments(Task &task, const tasks::TaskSpec &spec);
  void schedule(Task &task, const tasks::TaskSpec &spec);
  std::optional<segment::Verdict> failed_argument(const tasks::TaskSpec &spec) const;
  std::vector<tasks::ObjectKey> unsettled_arguments(const tasks::TaskSpec &spec) const;
  void fail_task(std::uint64_t number, const segment::Verdict &verdict);
  void fail_dependants(const refs::ObjectName &result);
  void complete(Task &task);
  void forget(Task &task);
  void judge(Client &worker, std::uint64_t number, const segment::Verdict &died);
  void offer(const tasks::Decision &decision);
  void take_back(const tasks::Decision &decision);
  void change(Client &worker, bool Client::*reason, bool value);
  void give_up(std::uint64_t number);
  void end_in_worker(Task &task, Client &worker);
  bool is_running_at(const Task &task, const Client &worker) const;
  Task *find(std::uint64_t number);

  // Numbers are never reused: the low bits say which record, the rest which of its tenants.
  Task &new_task();

  Store &store_;
  Clients &clients_;
  Edge edge_;
  tasks::Scheduler scheduler_;
  std::vector<Task> records_;
  std::vector<std::uint32_t> free_records_;
  std::uint64_t next_tenant_ = 1;
  std::uint64_t failed_ = 0;
  std::vector<tasks::Decision> decisions_;
  std::vector<std::uint32_t> to_ring_;
};

// A verdict that stands alone.
segment::Verdict plain_verdict(Code code, std::int32_t pid = 0, std::int32_t signal = 0);

}  // namespace mobula::raylet
