// raylet/tasks.h: the tasks of the session: takes them from rings, hands them to workers, judges them after deaths. The
// thin edge of tasks/scheduler.h.
//   Threads    thread-bound (the raylet's loop)
//   Crash      a worker's death: its task is judged by claim and result word, whatever was reported (rule 28)
//   Errors     a submission that breaks the protocol gives false: the caller expels the client
//   Cost       O(arguments) per task
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "raylet/clients.h"
#include "raylet/store.h"
#include "tasks/actor_table.h"
#include "tasks/deadlines.h"
#include "tasks/resource_gate.h"
#include "tasks/scheduler.h"
#include "tasks/task_spec.h"
#include "tasks/wait_graph.h"
#include "wire/ring_messages.h"

namespace mobula::raylet {

struct TaskFigures {
  std::uint64_t queued = 0;
  std::uint64_t running = 0;
  std::uint64_t finished = 0;
  std::uint64_t failed = 0;
  std::uint64_t actors = 0;
};

class Tasks {
 public:
  // What the tasks need of the rest of the raylet.
  struct Edge {
    // The template whose workers can run the function for this job; nothing when there is none.
    std::function<std::optional<std::uint32_t>(std::uint64_t function, std::uint32_t job)> template_for;
    std::function<void(std::uint32_t template_number, std::uint32_t count)> start_workers;
    std::function<void(Client &worker, segment::DeathCause cause)> kill;
    // Reads what the worker has reported and we have not seen.
    std::function<void(Client &worker)> drain;
    std::function<bool(std::uint32_t job)> is_job_alive;
    // The job of actors that outlive this one; 0: the job is gone.
    std::function<std::uint32_t(std::uint32_t job)> detached_job;
    // The last actor of such a job has ended.
    std::function<void(std::uint32_t job)> detached_job_ended;
    std::function<std::string(std::uint32_t job)> namespace_of;
    // For people; "" when it is not known.
    std::function<std::string(std::uint64_t function)> function_name;
    // Tasks that wait for each other are told of only, and go on waiting.
    bool deadlocks_warn_only = false;
  };

  // `others`: what the session has besides CPUs.
  Tasks(Store &store, Clients &clients, std::uint32_t slots_count, Edge edge, tasks::Quantities others = {});

  tasks::Scheduler &scheduler() { return scheduler_; }

  // Ring messages. False: the client broke the protocol.
  bool on_submit(Client &client, const wire::TaskNames &names);
  bool on_done(Client &worker, const wire::TaskNames &names, wire::Done how = wire::Done::kSettled);
  bool on_blocked(Client &worker, bool blocked, const wire::Awaited &awaited = {});
  // A signal has stopped the worker, or lets it go on: nobody waits for it meanwhile.
  void on_stopped(Client &worker, bool stopped) { change(worker, &Client::stopped, stopped); }
  // The worker has skipped all taken-back slots of its ring.
  void on_skipped(Client &worker);

  // The worker is ready. False: the scheduler has no use for it.
  bool on_worker_started(const Client &worker);
  // After its ring was drained, before its bits are cleared.
  void on_worker_died(Client &worker, std::int32_t process_end);
  // The driver has gone: its tasks end, wherever they are.
  void on_job_ended(std::uint32_t job);
  // The reaper failed an object that no task was to make: whoever waits for it gets the same failure.
  void on_failed(const refs::ObjectName &name);
  // No worker can ever run these: the functions are not to be had.
  void fail_template(std::uint32_t template_number, const segment::Verdict &verdict);

  // --- actors, tasks_actors.cc and tasks_calls.cc ------------------------------------------------------------------
  void on_kill_actor(const refs::ObjectName &actor, bool no_restart);
  bool on_actor_exits(Client &worker);
  // Living actors without calls, for the mark pass.
  std::vector<Store::IdleActor> idle_actors();
  // Whether enough actors were made since the last mark pass for another one to be worth its cost.
  bool may_have_unreachable() const {
    return actors_made_ - actors_seen_ > actors_.actors_count() / 2 + kActorsUnlooked;
  }
  void note_mark_pass() { actors_seen_ = actors_made_; }
  // Nobody can reach these actors any more: they end in order.
  void end_unreachable(std::span<const refs::ObjectName> actors);
  // Nobody refers to these actors any more: they end.
  void on_actors_freed(const std::vector<std::uint64_t> &actors);
  // The entry of the living actor of that name, for a client of some job; entry == kNoEntry: there is none.
  refs::ObjectName find_actor(const Client &client, const std::string &name, const std::string &name_space) const;
  // What was to happen by now: actors are restarted, and killed when they take too long to end.
  void on_time(std::int64_t now_ns);
  std::optional<std::int64_t> next_due_ns() const;
  // The client's job: its own, or that of the task it runs.
  static std::uint32_t job_of(const Client &client);

  // --- ends before their time, tasks_cancel.cc ---------------------------------------------------------------------
  // Ends the task that makes `result`, as runtime::cancel() says. REQUIRES: all rings were read.
  Status cancel(const refs::ObjectName &result, bool force);

  // --- resources, tasks_resources.cc -------------------------------------------------------------------------------
  const tasks::ResourceGate &gate() const { return gate_; }
  // kInvalidArgument: see tasks::PlacementGroups.
  Status create_group(tasks::GroupRequest request, tasks::GroupNumber *number);
  // Its tasks and actors end, wherever they are.
  void remove_group(tasks::GroupNumber number);
  // Settles the client's pending `object` when it is known whether the group is created: as failed, with kOk as its
  // code if it is. kUnschedulable: it never will be.
  Status wait_for_group(tasks::GroupNumber number, const Client &client, const refs::ObjectName &object);

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
    bool ending = false;       // its job is over; it only waits to leave a worker's queue
    bool is_creation = false;  // it makes `actor`
    bool grace_begun = false;  // it is over its deadline, and was asked to end
    bool retries_exceptions = false;
    bool is_gated = false;                     // it asked for resources
    Code stopped = Code::kOk;                  // why it was asked to end: it is not tried again
    tasks::ActorNumber actor = 0;              // that it makes, or is a call of
    std::uint32_t caller = 0;                  // of a call: the client
    std::uint32_t retries = 0;                 // of a call
    std::vector<refs::ObjectName> referenced;  // arguments and what they contain
    std::vector<refs::ObjectName> awaited;     // of a call: arguments that were not settled when it came
  };
  struct Actor {
    tasks::ActorNumber number = 0;
    refs::ObjectName entry;
    refs::ObjectName spec;                     // of its creation
    std::vector<refs::ObjectName> referenced;  // kept with the spec while it may be restarted
    bool may_restart = false;
    bool is_detached = false;
    bool is_dead = false;  // for good; its record answers calls until its entry is freed
    bool exits = false;    // it has asked for its own end
    std::uint32_t job = 0;
    std::uint32_t worker = 0;                  // the client that it is; 0 = none now
    std::uint64_t function = 0;                // its factory
    std::uint64_t creation_task = 0;           // while it is being made
    std::pair<std::string, std::string> name;  // namespace and name; "" = none
    segment::Verdict verdict{};                // of calls, when it is dead
  };

  std::optional<tasks::TaskSpec> read_spec(const Client &client, const wire::TaskNames &names);
  bool owns_new_result(const Client &client, const refs::ObjectName &result) const;
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
  void push(Client &worker, Task &task, wire::Offer kind, std::uint32_t count);
  void settle_object(const refs::ObjectName &name);
  std::vector<tasks::TaskNumber> waiting_on(const refs::ObjectName &name) const;
  void end_task(Task &task, Client *worker, const segment::Verdict &verdict);

  // Actors, tasks_actors.cc.
  Actor *find_actor(const refs::ObjectName &entry);
  bool add_actor(const Client &client, Task &task, const tasks::Creation &creation);
  bool take_name(Actor &actor, const Client &client, const tasks::Creation &creation);
  void creation_done(Client &worker, Task &task, bool failed);
  void become_actor(Client &worker, Actor &actor);
  void take_back_all(Client &worker);
  void judge_creation(Client &worker, Task &task, std::int32_t process_end);
  void on_process_gone(Actor &actor, std::int32_t pid, std::int32_t process_end);
  void creation_failed(Actor &actor, const segment::Verdict &verdict);
  void end_actor(Actor &actor, const segment::Verdict &verdict, bool in_order);
  void end_worker_of(Actor &actor, bool in_order);
  void end_creation(Actor &actor, const segment::Verdict &verdict);
  void restart(tasks::ActorNumber number);
  void let_go(Actor &actor);

  // Calls, tasks_calls.cc.
  void submit_call(Client &client, Task &task, const tasks::TaskSpec &spec);
  void queue_call(Task &task);
  void queue_early_calls(const refs::ObjectName &entry);
  void offer_call(const tasks::CallOffer &offer);
  std::optional<segment::Verdict> failed_argument(const Task &task) const;
  void judge_calls(Client &worker, bool restarts, const segment::Verdict &verdict);
  void end_call(std::uint64_t number, Client *worker, const segment::Verdict &verdict);

  // Ends before their time, tasks_cancel.cc.
  Client *worker_with(const Task &task);
  static segment::Verdict stopped_verdict(const Task &task);
  void stop_task(Task &task, Code code, bool force);
  bool withdraw(const Task &task, Client &worker);
  void kill_worker_of(const Task &task, Client &worker);
  void set_deadline(Task &task, const tasks::TaskSpec &spec);
  void end_due_tasks(std::int64_t now_ns);
  void begin_grace(Task &task, std::int64_t now_ns);
  void end_late(Task &task);

  // Resources, tasks_resources.cc.
  struct GroupWaiter {
    tasks::GroupNumber group = 0;
    refs::ObjectName object;
  };
  segment::Verdict worded_verdict(Code code, std::string text, std::uint64_t function);
  static bool asks_for_resources(const Task &task, const tasks::TaskSpec &spec);
  bool wait_for_resources(Task &task, const tasks::TaskSpec &spec, std::vector<tasks::ObjectKey> *unsettled);
  void tell_gate(const refs::ObjectName &settled);
  void admit();
  void lend_resources(const Client &worker, bool blocked);
  std::uint64_t devices_of(const Task &task) const;
  void answer_group_waiters();

  // Deadlocks, tasks_deadlock.cc.
  void look_for_deadlock(Client &worker);
  std::vector<tasks::Wait> waits_of(tasks::TaskNumber number);
  tasks::Wait wait_for(tasks::WaitReason reason, std::span<const refs::ObjectName> names, std::size_t needed) const;
  std::vector<tasks::Wait> waits_of_call(const Task &task);
  std::vector<tasks::Wait> waits_of_queued(const Task &task);
  Task *running_at(const Client &worker);
  std::string describe(tasks::TaskNumber number);
  void fail_in_deadlock(Task &task, std::string text);

  bool retry(Client &worker, Task &task);
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
  tasks::ActorTable actors_;
  std::unordered_map<tasks::ActorNumber, Actor> actor_records_;
  std::map<std::pair<std::string, std::string>, tasks::ActorNumber> actor_names_;
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> early_calls_;  // by the entry of an unknown actor
  struct SlowEnd {
    std::int64_t due_ns = 0;
    std::uint32_t client = 0;
    std::int32_t pid = 0;
  };
  std::deque<SlowEnd> slow_ends_;  // actors that were asked to end, oldest first
  tasks::Deadlines deadlines_;
  const std::uint32_t slots_count_;
  tasks::ResourceGate gate_;
  std::vector<GroupWaiter> group_waiters_;
  std::vector<tasks::CallOffer> call_offers_;
  std::vector<tasks::ActorNumber> due_;
  std::uint64_t finished_calls_ = 0;
  static constexpr std::uint64_t kActorsUnlooked = 64;  // as many cost no mark pass that nobody asked for
  std::uint64_t actors_made_ = 0;
  std::uint64_t actors_seen_ = 0;  // of those, before the last mark pass
  std::vector<Task> records_;
  std::vector<std::uint32_t> free_records_;
  std::uint64_t next_tenant_ = 1;
  std::uint64_t failed_ = 0;
  std::vector<tasks::Decision> decisions_;
  std::vector<std::uint32_t> to_ring_;
};

// Of calls of a dead actor.
segment::Verdict ended_verdict(segment::Ending ending, std::int32_t pid = 0, std::int32_t process_end = 0);
// The id of a placement group, as programs see it; 0 for what is none.
std::string group_id(tasks::GroupNumber number);
tasks::GroupNumber group_number(std::string_view id);
// Of what fails because another object has failed.
segment::Verdict failure_of(const refs::ObjectName &cause);
// A verdict that stands alone.
segment::Verdict plain_verdict(Code code, std::int32_t pid = 0, std::int32_t process_end = 0);

}  // namespace mobula::raylet
