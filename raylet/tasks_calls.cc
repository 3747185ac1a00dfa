// Calls of actors: from the caller's ring to the ring of the actor's worker, in order.
#include <algorithm>

#include "raylet/tasks.h"
#include "refs/evict.h"

namespace mobula::raylet {

using refs::ObjectName;
using refs::State;

segment::Verdict ended_verdict(segment::Ending ending, std::int32_t pid, std::int32_t process_end) {
  segment::Verdict verdict = plain_verdict(Code::kActorDied, pid, process_end);
  verdict.cause_generation = static_cast<std::uint64_t>(ending);
  return verdict;
}

// A handle can be passed on before the raylet has read that the actor is to be made: such a call waits for that.
void Tasks::submit_call(Client &client, Task &task, const tasks::TaskSpec &spec) {
  task.caller = client.id;
  task.retries = spec.retries;
  const ObjectName entry = spec.actor;
  if (!store_.add_ref(entry)) return fail_task(task.number, plain_verdict(Code::kObjectLost));
  task.referenced.push_back(entry);
  if (const std::optional<segment::Verdict> verdict = failed_argument(spec)) return fail_task(task.number, *verdict);
  for (const tasks::ArgumentView &argument : spec.arguments) {
    if (argument.reference.entry == segment::kNoEntry) continue;
    if (!refs::is_settled(store_.word_of(argument.reference.entry))) task.awaited.push_back(argument.reference);
  }
  const Actor *const actor = find_actor(entry);
  if (actor != nullptr) {
    task.actor = actor->number;
    return queue_call(task);
  }
  const bool may_come = store_.index()[entry.entry].task == 0 && !refs::is_settled(store_.word_of(entry.entry));
  if (may_come)
    early_calls_[entry.entry].push_back(task.number);
  else
    fail_task(task.number, ended_verdict(segment::Ending::kDied));
}

void Tasks::queue_call(Task &task) {
  const Actor &actor = actor_records_.at(task.actor);
  if (actor.is_dead) return fail_task(task.number, actor.verdict);
  if (!edge_.is_job_alive(task.job)) return fail_task(task.number, plain_verdict(Code::kOwnerDied));
  std::vector<tasks::ObjectKey> unsettled;
  for (const ObjectName &name : task.awaited) unsettled.push_back(name.entry);
  if (!actors_.call_submitted(task.number, task.actor, task.caller, task.job, unsettled)) {
    fail_task(task.number, plain_verdict(Code::kLimitReached));
  }
}

// The actor is known by now, or its entry has failed.
void Tasks::queue_early_calls(const ObjectName &entry) {
  const auto found = early_calls_.find(entry.entry);
  if (found == early_calls_.end()) return;
  const std::vector<std::uint64_t> calls = std::move(found->second);
  early_calls_.erase(found);
  const Actor *const actor = find_actor(entry);
  for (const std::uint64_t number : calls) {
    Task *const task = find(number);
    if (task == nullptr) continue;
    task->actor = actor == nullptr ? 0 : actor->number;
    if (actor != nullptr)
      queue_call(*task);
    else
      fail_task(number, ended_verdict(segment::Ending::kJobEnded));
  }
}

std::optional<segment::Verdict> Tasks::failed_argument(const Task &task) const {
  for (const ObjectName &name : task.awaited) {
    if (refs::state_of(store_.word_of(name.entry)) != State::kFailed) continue;
    return failure_of(name);
  }
  return std::nullopt;
}

void Tasks::offer_call(const tasks::CallOffer &offer) {
  Task *const task = find(offer.call);
  const auto actor = actor_records_.find(offer.actor);
  if (task == nullptr || actor == actor_records_.end()) return;
  Client *const worker = clients_.find_living(actor->second.worker);
  if (worker == nullptr) return actors_.requeue(offer.call);  // its death is being dealt with
  if (const std::optional<segment::Verdict> verdict = failed_argument(*task)) return fail_task(offer.call, *verdict);
  if (worker->parked) return actors_.requeue(offer.call);
  push(*worker, *task, wire::Offer::kCall, task->retries_exceptions ? task->retries : 0);
  if (!worker->parked) return;
  // No room: taken back, until the worker has skipped what lies there.
  actors_.pause(offer.actor, true);
  withdraw(*task, *worker);
  actors_.requeue(offer.call);
}

// The calls in the ring of a worker that is dead. Rule 28, as for tasks: what it had not claimed never began.
void Tasks::judge_calls(Client &worker, bool restarts, const segment::Verdict &verdict) {
  std::vector<std::uint64_t> again;
  std::vector<std::uint64_t> failed;
  for (const std::uint64_t number : std::exchange(worker.offered, {})) {
    Task *const task = find(number);
    if (task == nullptr) continue;
    const ObjectName result = task->names.result;
    if (refs::is_settled(store_.word_of(result.entry))) {
      actors_.call_ended(number);
      complete(*task);
      continue;
    }
    const bool was_running = is_running_at(*task, worker);
    if (was_running) {
      refs::reopen(store_.segment().entry(result.entry), result.generation, worker.id);
      store_.drop_contained(result.entry);
    }
    const bool may_again = restarts && (!was_running || (task->retries > 0 && task->stopped == Code::kOk));
    if (may_again && was_running) --task->retries;
    (may_again ? again : failed).push_back(number);
  }
  for (auto number = again.rbegin(); number != again.rend(); ++number) actors_.requeue(*number);
  for (const std::uint64_t number : failed) fail_task(number, verdict);
}

// A call of an actor that ends now. What runs settles itself or not: the first one wins, and the record waits until the
// worker is gone.
void Tasks::end_call(std::uint64_t number, Client *worker, const segment::Verdict &verdict) {
  Task *const task = find(number);
  if (task == nullptr) return;
  const bool is_offered =
      worker != nullptr && std::find(worker->offered.begin(), worker->offered.end(), number) != worker->offered.end();
  if (!is_offered) return fail_task(number, verdict);
  if (withdraw(*task, *worker)) return fail_task(number, verdict);
  if (!store_.fail(task->names.result, verdict)) return;
  task->ending = true;
  on_failed(task->names.result);
}

}  // namespace mobula::raylet
