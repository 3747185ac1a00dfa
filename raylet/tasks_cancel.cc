// Tasks that end before their time: cancelled, or over their deadline.
#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "raylet/tasks.h"
#include "refs/evict.h"
#include "tasks/claim.h"

namespace mobula::raylet {
namespace {

constexpr std::int64_t kDeadlineGraceNs = 1'000'000'000;  // for a task that is over its deadline to end by itself

}  // namespace

using refs::ObjectName;

// The worker in whose queue the task is, if any.
Client *Tasks::worker_with(const Task &task) {
  const auto actor = actor_records_.find(task.actor);
  const bool is_call = task.actor != 0 && !task.is_creation;
  const std::uint32_t of_actor = is_call && actor != actor_records_.end() ? actor->second.worker : 0;
  Client *const worker = clients_.find_living(is_call ? of_actor : scheduler_.worker_of(task.number).value_or(0));
  const bool is_offered = worker != nullptr && std::find(worker->offered.begin(), worker->offered.end(), task.number) !=
                                                   worker->offered.end();
  return is_offered ? worker : nullptr;
}

Status Tasks::cancel(const ObjectName &result, bool force) {
  if (!store_.is_named(result)) return base::failure(Code::kObjectLost, "the object is gone");
  if (refs::is_settled(store_.word_of(result.entry))) return nullptr;  // it was faster
  if (store_.index()[result.entry].is_actor) {
    return base::failure(Code::kInvalidArgument, "an actor cannot be cancelled: end it with Kill");
  }
  Task *const task = find(store_.index()[result.entry].task);
  if (task == nullptr || task->names.result != result) {
    return base::failure(Code::kInvalidArgument, "no task makes the object: there is nothing to cancel");
  }
  if (force && task->actor != 0) {
    return base::failure(Code::kInvalidArgument,
                         "a call of an actor cannot be cancelled by force: that would end the actor");
  }
  stop_task(*task, Code::kCancelled, force);
  return nullptr;
}

segment::Verdict Tasks::stopped_verdict(const Task &task) {
  segment::Verdict verdict = plain_verdict(task.stopped);
  verdict.function = task.function;
  return verdict;
}

// Queued, it vanishes; running, it is asked to end, or its worker is killed.
void Tasks::stop_task(Task &task, Code code, bool force) {
  const std::uint64_t number = task.number;
  Client *const worker = worker_with(task);
  if (worker != nullptr) edge_.drain(*worker);  // it may have ended
  Task *const still = find(number);
  if (still == nullptr || still->ending) return;
  still->stopped = code;
  if (worker == nullptr) return fail_task(number, stopped_verdict(*still));
  if (withdraw(*still, *worker)) return fail_task(number, stopped_verdict(*still));
  tasks::ask_to_end(store_.segment().entry(still->names.spec.entry).claim, worker->id, still->names.spec.generation);
  if (force) kill_worker_of(*still, *worker);
}

// Takes the task out of the worker's queue. False: it runs there.
bool Tasks::withdraw(const Task &task, Client &worker) {
  segment::Word &claim = store_.segment().entry(task.names.spec.entry).claim;
  if (!tasks::take_back(claim, worker.id, task.names.spec.generation)) return false;
  std::erase(worker.offered, task.number);
  if (task.actor == 0) note_job(worker);
  return true;
}

// Its death settles it (judge); what else was offered to the worker is retried for free.
void Tasks::kill_worker_of(const Task &task, Client &worker) {
  if (refs::is_settled(store_.word_of(task.names.result.entry))) return;
  worker.ended_by_us = true;
  edge_.kill(worker,
             task.stopped == Code::kDeadlineOver ? segment::DeathCause::kDeadline : segment::DeathCause::kCancelled);
}

// --- deadlines -------------------------------------------------------------------------------------------------------

void Tasks::set_deadline(Task &task, const tasks::TaskSpec &spec) {
  if (!spec.options || spec.options->deadline_ms < 0) return;
  const std::int64_t now_ns = base::monotonic_ns();
  const std::int64_t left_ms = std::min(spec.options->deadline_ms, base::kTimeoutMsMax);
  // From the submission; what a client says of that is believed only of the past.
  const std::int64_t since_ns = std::min(now_ns, store_.segment().entry(task.names.spec.entry).created_ns);
  deadlines_.set(task.number, std::max<std::int64_t>(since_ns, 0) + left_ms * base::kNanosecondsPerMillisecond);
}

void Tasks::end_due_tasks(std::int64_t now_ns) {
  for (const tasks::TaskNumber number : deadlines_.take_due(now_ns)) {
    Task *const task = find(number);
    if (task == nullptr || task->ending) continue;
    if (task->grace_begun)
      end_late(*task);
    else
      begin_grace(*task, now_ns);
  }
}

void Tasks::begin_grace(Task &task, std::int64_t now_ns) {
  const std::uint64_t number = task.number;
  task.grace_begun = true;
  stop_task(task, Code::kDeadlineOver, false);
  if (find(number) != nullptr) deadlines_.set(number, now_ns + kDeadlineGraceNs);
}

// It has not ended although it was asked to.
void Tasks::end_late(Task &task) {
  const std::uint64_t number = task.number;
  Client *const worker = worker_with(task);
  if (worker != nullptr) edge_.drain(*worker);
  Task *const still = find(number);
  if (still == nullptr || still->ending) return;
  still->stopped = Code::kDeadlineOver;
  const segment::Verdict verdict = stopped_verdict(*still);
  if (worker == nullptr) return fail_task(number, verdict);
  if (still->actor == 0) return kill_worker_of(*still, *worker);
  // The actor lives on: whoever waits for the call goes on without it.
  if (!store_.fail(still->names.result, verdict)) return;
  still->ending = true;
  on_failed(still->names.result);
}

}  // namespace mobula::raylet
