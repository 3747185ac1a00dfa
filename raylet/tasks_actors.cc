// Actors: made by a task in a worker of the pool, which leaves it and serves calls from then on.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/clock.h"
#include "base/crash_points.h"
#include "raylet/tasks.h"
#include "refs/evict.h"
#include "segment/bell.h"

namespace mobula::raylet {
namespace {

constexpr std::int64_t kEndGraceNs = 5'000'000'000;  // for an actor's destructor, before its process is killed

// Why its process is ended, too.
segment::DeathCause cause_of(segment::Ending ending) {
  switch (ending) {
    case segment::Ending::kKilled:
      return segment::DeathCause::kKilled;
    case segment::Ending::kJobEnded:
      return segment::DeathCause::kJobEnded;
    default:
      return segment::DeathCause::kActorEnded;
  }
}

}  // namespace

using refs::ObjectName;
using refs::State;

Tasks::Actor *Tasks::find_actor(const ObjectName &entry) {
  if (!store_.is_named(entry) || !store_.index()[entry.entry].is_actor) return nullptr;
  const auto found = actor_records_.find(store_.index()[entry.entry].task);
  return found == actor_records_.end() ? nullptr : &found->second;
}

ObjectName Tasks::find_actor(const Client &client, const std::string &name, const std::string &name_space) const {
  const auto found = actor_names_.find({name_space.empty() ? edge_.namespace_of(job_of(client)) : name_space, name});
  return found == actor_names_.end() ? ObjectName{} : actor_records_.at(found->second).entry;
}

// --- making ----------------------------------------------------------------------------------------------------------

// False: it cannot be made, and its task has failed.
bool Tasks::add_actor(const Client &client, Task &task, const tasks::Creation &creation) {
  task.is_creation = true;
  task.actor = task.number;
  Actor &actor = actor_records_[task.number];
  actor.number = actor.creation_task = task.number;
  actor.entry = task.names.result;
  actor.function = task.function;
  actor.may_restart = creation.restarts_max != 0;
  store_.mark_actor(actor.entry);
  if (creation.detached) {
    task.job = edge_.detached_job(task.job);
    actor.is_detached = store_.add_ref(actor.entry);
  }
  actor.job = task.job;
  ++actors_made_;
  const bool known = actors_.add(actor.number, creation.restarts_max);
  const std::uint64_t number = task.number;
  if (!known) fail_task(number, plain_verdict(Code::kLimitReached));
  if (known && !take_name(actor, client, creation)) fail_task(number, plain_verdict(Code::kInvalidArgument));
  queue_early_calls(actor.entry);
  return find(number) != nullptr;
}

// False: another living actor has the name.
bool Tasks::take_name(Actor &actor, const Client &client, const tasks::Creation &creation) {
  if (creation.name.empty()) return true;
  actor.name = {creation.name_space.empty() ? edge_.namespace_of(job_of(client)) : creation.name_space, creation.name};
  if (actor_names_.try_emplace(actor.name, actor.number).second) return true;
  actor.name = {};
  return false;
}

void Tasks::creation_done(Client &worker, Task &task, bool failed) {
  Actor &actor = actor_records_.at(task.actor);
  scheduler_.task_finished(task.number);
  actor.creation_task = 0;
  const bool has_failed = failed || refs::state_of(store_.word_of(actor.entry.entry)) == State::kFailed;
  if (!has_failed) {
    if (actor.may_restart && actor.spec.entry == segment::kNoEntry && store_.add_ref(task.names.spec)) {
      actor.spec = task.names.spec;
      for (const ObjectName &name : task.referenced) {
        if (store_.add_ref(name)) actor.referenced.push_back(name);
      }
    }
    become_actor(worker, actor);
  }
  complete(task);
  if (has_failed) creation_failed(actor, ended_verdict(segment::Ending::kRestartFailed, worker.pid));
}

// What it will never run goes back to the pool, and it leaves that.
void Tasks::become_actor(Client &worker, Actor &actor) {
  take_back_all(worker);
  worker.actor = actor.number;
  worker.last_job = actor.job;
  actor.worker = worker.id;
  actors_.started(actor.number, base::monotonic_ns());
  base::crash_point(base::CrashPoint::kRayletActorMade);
}

void Tasks::take_back_all(Client &worker) {
  std::vector<tasks::TaskNumber> left = scheduler_.worker_died(worker.id);
  std::reverse(left.begin(), left.end());  // each goes to the front of its queue
  for (const tasks::TaskNumber number : left) {
    Task *const task = find(number);
    if (task == nullptr || !withdraw(*task, worker)) continue;
    if (!scheduler_.requeue(number, false)) give_up(number);
  }
  for (const std::uint64_t number : std::deque<std::uint64_t>(worker.offered)) {
    Task *const task = find(number);
    if (task != nullptr && task->ending && withdraw(*task, worker)) forget(*task);
  }
  // A worker that claims tasks behind the factory breaks the protocol; its death gives them back.
  if (!worker.offered.empty()) edge_.kill(worker, segment::DeathCause::kExpelled);
}

// --- ends ------------------------------------------------------------------------------------------------------------

// The worker that ran the factory is dead.
void Tasks::judge_creation(Client &worker, Task &task, std::int32_t process_end) {
  Actor &actor = actor_records_.at(task.actor);
  const bool is_first = !refs::is_settled(store_.word_of(actor.entry.entry));
  const bool was_running = is_running_at(task, worker);
  if (!was_running && scheduler_.requeue(task.number, false)) return;
  if (refs::state_of(store_.word_of(actor.entry.entry)) == State::kFailed) return creation_done(worker, task, true);
  scheduler_.task_removed(task.number);
  if (is_first && was_running) {
    refs::reopen(store_.segment().entry(actor.entry.entry), actor.entry.generation, worker.id);
    store_.drop_contained(actor.entry.entry);
  }
  on_process_gone(actor, worker.pid, process_end);
}

// The process that was the actor, or was to become it, is gone.
void Tasks::on_process_gone(Actor &actor, std::int32_t pid, std::int32_t process_end) {
  Client *const worker = clients_.find(actor.worker);
  gate_.set_blocked(actor.number, false);
  const std::optional<std::int64_t> due_ns =
      actor.exits || actor.is_dead ? std::nullopt : actors_.died(actor.number, base::monotonic_ns());
  const segment::Ending ending = actor.exits ? segment::Ending::kExited : segment::Ending::kDied;
  segment::Verdict verdict = actor.is_dead ? actor.verdict : ended_verdict(ending, pid, process_end);
  verdict.function = actor.function;
  segment::Verdict of_calls = verdict;
  if (due_ns) of_calls.code = static_cast<std::uint32_t>(Code::kActorUnavailable);
  actor.worker = 0;
  if (worker != nullptr) judge_calls(*worker, due_ns.has_value(), of_calls);
  if (!due_ns) end_actor(actor, verdict, false);
}

// The task that was to make it has failed.
void Tasks::creation_failed(Actor &actor, const segment::Verdict &verdict) {
  segment::Verdict of_calls = ended_verdict(segment::Ending::kDied, verdict.pid, verdict.process_end);
  if (verdict.code == static_cast<std::uint32_t>(Code::kActorDied)) of_calls = verdict;
  if (refs::state_of(store_.word_of(actor.entry.entry)) == State::kFailed) {
    of_calls.cause_entry = actor.entry.entry;
    of_calls.cause_generation = actor.entry.generation;
  }
  actor.creation_task = 0;
  end_actor(actor, of_calls, false);
}

// For good. `in_order`: its destructor may run.
void Tasks::end_actor(Actor &actor, const segment::Verdict &verdict, bool in_order) {
  if (std::exchange(actor.is_dead, true)) return;
  actor.verdict = verdict;
  gate_.remove(actor.number);
  if (!actor.name.second.empty()) actor_names_.erase(actor.name);
  const std::vector<tasks::TaskNumber> calls = actors_.end(actor.number);
  base::crash_point(base::CrashPoint::kRayletActorEnded);
  end_creation(actor, verdict);
  Client *const worker = clients_.find_living(actor.worker);
  for (const tasks::TaskNumber call : calls) end_call(call, worker, verdict);
  end_worker_of(actor, in_order);
  let_go(actor);
}

void Tasks::end_creation(Actor &actor, const segment::Verdict &verdict) {
  const std::uint64_t number = std::exchange(actor.creation_task, 0);
  Task *const task = find(number);
  if (task == nullptr) return;
  const std::optional<tasks::WorkerNumber> at = scheduler_.worker_of(number);
  scheduler_.task_removed(number);
  Client *worker = at ? clients_.find_living(*at) : nullptr;
  if (worker != nullptr && withdraw(*task, *worker)) worker = nullptr;
  end_task(*task, worker, verdict);
}

void Tasks::end_worker_of(Actor &actor, bool in_order) {
  Client *const worker = clients_.find_living(actor.worker);
  if (worker == nullptr) return;
  if (!in_order) return edge_.kill(*worker, cause_of(static_cast<segment::Ending>(actor.verdict.cause_generation)));
  worker->ended_for = segment::DeathCause::kActorEnded;
  if (!worker->offers.try_push(wire::slot_of(wire::Offer::kEnd)))
    return edge_.kill(*worker, segment::DeathCause::kActorEnded);
  slow_ends_.push_back({base::monotonic_ns() + kEndGraceNs, worker->id, worker->pid});
  segment::ring_always(clients_.slot(*worker));
}

// What the raylet kept for it.
void Tasks::let_go(Actor &actor) {
  for (const ObjectName &name : std::exchange(actor.referenced, {})) store_.drop_ref(name);
  if (actor.spec.entry != segment::kNoEntry) store_.drop_ref(std::exchange(actor.spec, {}));
  if (!std::exchange(actor.is_detached, false)) return;
  store_.drop_ref(actor.entry);
  const bool is_last = std::none_of(actor_records_.begin(), actor_records_.end(), [&](const auto &other) {
    return other.second.job == actor.job && !other.second.is_dead;
  });
  if (is_last) edge_.detached_job_ended(actor.job);
}

// --- messages and time -----------------------------------------------------------------------------------------------

void Tasks::on_kill_actor(const ObjectName &entry, bool no_restart) {
  Actor *const actor = find_actor(entry);
  if (actor == nullptr || actor->is_dead) return;
  if (no_restart) return end_actor(*actor, ended_verdict(segment::Ending::kKilled), false);
  if (Client *const worker = clients_.find_living(actor->worker)) edge_.kill(*worker, segment::DeathCause::kKilled);
}

bool Tasks::on_actor_exits(Client &worker) {
  const auto actor = actor_records_.find(worker.actor);
  if (worker.actor == 0) return false;
  if (actor != actor_records_.end()) actor->second.exits = true;
  worker.ended_for = segment::DeathCause::kActorEnded;
  return true;
}

void Tasks::on_actors_freed(const std::vector<std::uint64_t> &numbers) {
  for (const std::uint64_t number : numbers) {
    const auto actor = actor_records_.find(number);
    if (actor == actor_records_.end()) continue;
    end_actor(actor->second, ended_verdict(segment::Ending::kUnreachable), true);
    actor_records_.erase(number);
  }
}

std::vector<Store::IdleActor> Tasks::idle_actors() {
  std::vector<Store::IdleActor> idle;
  for (const auto &[number, actor] : actor_records_) {
    const Client *const worker = clients_.find_living(actor.worker);
    if (actor.is_dead || worker == nullptr || !actors_.is_idle(number)) continue;
    idle.push_back({actor.entry, worker->id, worker->row_offsets});
  }
  return idle;
}

void Tasks::end_unreachable(std::span<const ObjectName> actors) {
  for (const ObjectName &entry : actors) {
    if (Actor *const actor = find_actor(entry)) end_actor(*actor, ended_verdict(segment::Ending::kUnreachable), true);
  }
}

// Its factory runs again: the task that did so before waits for that, or a new one is made.
void Tasks::restart(tasks::ActorNumber number) {
  Actor &actor = actor_records_.at(number);
  Task *task = find(actor.creation_task);
  if (task == nullptr) {
    task = &new_task();
    task->names = {actor.spec, actor.entry};
    task->function = actor.function;
    task->job = actor.job;
    task->is_creation = true;
    task->actor = number;
    actor.creation_task = task->number;
    store_.add_ref(actor.spec);
    store_.add_ref(actor.entry);
    store_.index()[actor.spec.entry].task = task->number;
  }
  const std::optional<std::uint32_t> template_number = edge_.template_for(actor.function, actor.job);
  if (template_number) task->template_number = *template_number;
  if (template_number && scheduler_.task_submitted(task->number, task->job, *template_number, {}, 0)) return;
  fail_task(task->number, plain_verdict(template_number ? Code::kLimitReached : Code::kFunctionNotFound));
}

std::optional<std::int64_t> Tasks::next_due_ns() const {
  std::optional<std::int64_t> due_ns = actors_.next_due_ns();
  for (const std::optional<std::int64_t> other_ns : {deadlines_.next_ns(), scheduler_.next_due_ns()}) {
    if (other_ns && (!due_ns || *other_ns < *due_ns)) due_ns = other_ns;
  }
  if (!slow_ends_.empty() && (!due_ns || slow_ends_.front().due_ns < *due_ns)) due_ns = slow_ends_.front().due_ns;
  return due_ns;
}

void Tasks::on_time(std::int64_t now_ns) {
  end_due_tasks(now_ns);
  actors_.take_due(now_ns, due_);
  for (const tasks::ActorNumber number : std::exchange(due_, {})) restart(number);
  while (!slow_ends_.empty() && slow_ends_.front().due_ns <= now_ns) {
    const SlowEnd slow = slow_ends_.front();
    slow_ends_.pop_front();
    Client *const worker = clients_.find_living(slow.client);
    if (worker == nullptr || worker->pid != slow.pid) continue;
    spdlog::warn("the actor with pid {} has not ended within {} s: it is killed", slow.pid,
                 kEndGraceNs / 1'000'000'000);
    edge_.kill(*worker, segment::DeathCause::kActorEnded);
  }
}

}  // namespace mobula::raylet
