// What becomes of tasks when their worker dies, and of a job's tasks when its driver does.
#include <algorithm>
#include <unordered_map>

#include "raylet/tasks.h"
#include "refs/evict.h"
#include "tasks/claim.h"

namespace mobula::raylet {

using refs::ObjectName;

bool Tasks::on_worker_started(const Client &worker) {
  return scheduler_.worker_started(worker.id, worker.template_number);
}

bool Tasks::is_running_at(const Task &task, const Client &worker) const {
  return tasks::is_claimed_by(store_.segment().entry(task.names.spec.entry).claim, worker.id,
                              task.names.spec.generation);
}

// Rule 28: settled = finished; claimed = it ran here; else it never began and is retried for free.
void Tasks::judge(Client &worker, std::uint64_t number, const segment::Verdict &died) {
  Task *const task = find(number);
  if (task == nullptr) return;
  if (task->is_creation) return judge_creation(worker, *task, died.process_end);
  const ObjectName result = task->names.result;
  if (refs::is_settled(store_.word_of(result.entry))) {
    scheduler_.task_finished(number);
    return complete(*task);
  }
  const bool was_running = is_running_at(*task, worker);
  if (was_running) {
    refs::reopen(store_.segment().entry(result.entry), result.generation, worker.id);
    store_.drop_contained(result.entry);
  }
  if (task->is_gated) gate_.set_blocked(number, false);
  const bool is_over = task->stopped != Code::kOk && was_running;
  if (!is_over && scheduler_.requeue(number, was_running && !worker.ended_by_us)) return;
  segment::Verdict verdict = died;
  if (is_over) verdict.code = static_cast<std::uint32_t>(task->stopped);
  verdict.function = task->function;
  fail_task(number, verdict);
}

void Tasks::on_worker_died(Client &worker, std::int32_t process_end) {
  if (worker.actor != 0) {
    const auto actor = actor_records_.find(worker.actor);
    if (actor != actor_records_.end() && actor->second.worker == worker.id) {
      on_process_gone(actor->second, worker.pid, process_end);
    } else {
      judge_calls(worker, false, ended_verdict(segment::Ending::kUnreachable));
    }
  }
  const std::vector<tasks::TaskNumber> left = scheduler_.worker_died(worker.id);
  const segment::Verdict died = plain_verdict(Code::kWorkerDied, worker.pid, process_end);
  // The last first: each goes to the front of its queue.
  for (auto number = left.rbegin(); number != left.rend(); ++number) judge(worker, *number, died);
  for (const std::uint64_t number : worker.offered) {
    Task *const task = find(number);
    if (task != nullptr && task->ending) forget(*task);
  }
  worker.offered.clear();
}

// Kills the worker if it is still at the task. It may have finished it and be at another one: that report comes
// first, and if it comes too late, the other task is retried for free (see judge).
void Tasks::end_in_worker(Task &task, Client &worker) {
  const std::uint64_t number = task.number;
  edge_.drain(worker);
  Task *const still = find(number);
  if (still == nullptr || !is_running_at(*still, worker)) return;
  worker.ended_by_us = true;
  edge_.kill(worker, segment::DeathCause::kJobEnded);
}

// Settles a task that nobody wants any more, although it may be in a worker's queue.
void Tasks::end_task(Task &task, Client *worker, const segment::Verdict &verdict) {
  const ObjectName result = task.names.result;
  if (store_.fail(result, verdict)) on_failed(result);  // also tasks of other jobs wait for it
  task.ending = worker != nullptr;
  if (task.ending)
    end_in_worker(task, *worker);
  else
    forget(task);
}

void Tasks::on_job_ended(std::uint32_t job) {
  // By number: to end one reads a worker's ring, and what lies there may add others.
  std::vector<tasks::ActorNumber> actors;
  for (const auto &[number, actor] : actor_records_) {
    if (actor.job == job) actors.push_back(number);
  }
  for (const tasks::ActorNumber number : actors) {
    end_actor(actor_records_.at(number), ended_verdict(segment::Ending::kJobEnded), false);
  }
  const segment::Verdict verdict = plain_verdict(Code::kOwnerDied, clients_.find(job) ? clients_.find(job)->pid : 0);
  std::unordered_map<std::uint64_t, Client *> in_workers;
  for (const std::uint32_t id : clients_.ids()) {
    Client *const worker = clients_.find(id);
    for (const std::uint64_t number : worker->offered) in_workers[number] = worker;
  }
  for (const tasks::TaskNumber number : scheduler_.job_ended(job)) {
    Task *const task = find(number);
    const auto in_worker = in_workers.find(number);
    if (task != nullptr) end_task(*task, in_worker == in_workers.end() ? nullptr : in_worker->second, verdict);
  }
  for (const tasks::TaskNumber number : actors_.job_ended(job)) fail_task(number, verdict);
  for (const tasks::GroupNumber group : gate_.groups().of_job(job)) remove_group(group);
}

}  // namespace mobula::raylet
