// Carrying out what the scheduler decides.
#include <algorithm>

#include "base/clock.h"
#include "base/crash_points.h"
#include "raylet/tasks.h"
#include "segment/bell.h"
#include "tasks/claim.h"

namespace mobula::raylet {

void Tasks::offer(const tasks::Decision &decision) {
  Task *const task = find(decision.task);
  Client *const worker = clients_.find(decision.worker);
  if (task == nullptr || worker == nullptr) return;
  if (worker->offered.empty()) worker->last_job = task->job;
  // Its entry is settled already when the actor was made before.
  const bool again = task->is_creation && refs::is_settled(store_.word_of(task->names.result.entry));
  std::uint32_t count = 0;
  if (task->is_creation) count = actors_.restarts(task->actor);
  if (task->retries_exceptions) count = scheduler_.retries_left(task->number);
  push(*worker, *task, again ? wire::Offer::kRestart : wire::Offer::kTask, count);
}

// The ring is deeper than the worker's queue; only taken-back slots that a busy worker could not skip fill it. Until it
// has skipped them it gets nothing. The task stays offered (it may claim it through an older slot); it is taken back
// like all its others.
void Tasks::push(Client &worker, Task &task, wire::Offer kind, std::uint32_t count) {
  tasks::offer(store_.segment().entry(task.names.spec.entry).claim, worker.id, task.names.spec.generation);  // O1
  base::crash_point(base::CrashPoint::kRayletOffered);
  worker.offered.push_back(task.number);
  if (!worker.offers.try_push(wire::offer_slot(kind, {task.names, count, devices_of(task)})))
    return change(worker, &Client::parked, true);  // O2
  if (std::find(to_ring_.begin(), to_ring_.end(), worker.id) == to_ring_.end()) to_ring_.push_back(worker.id);
}

void Tasks::take_back(const tasks::Decision &decision) {
  Task *const task = find(decision.task);
  Client *const worker = clients_.find(decision.worker);
  if (task == nullptr || worker == nullptr) return scheduler_.taken_back(decision.task, decision.worker, true);
  const bool taken =
      tasks::take_back(store_.segment().entry(task->names.spec.entry).claim, worker->id, task->names.spec.generation);
  if (taken) {
    base::crash_point(base::CrashPoint::kRayletTookBack);
    std::erase(worker->offered, task->number);
    note_job(*worker);
  }
  scheduler_.taken_back(decision.task, decision.worker, taken);
  if (!task->ending) return;
  if (taken)
    forget(*task);
  else
    end_in_worker(*task, *worker);
}

bool Tasks::act() {
  if (gate_.has_changed()) admit();
  scheduler_.decide(decisions_, scheduler_.wants_time() ? base::monotonic_ns() : 0);
  actors_.decide(call_offers_);
  if (decisions_.empty() && call_offers_.empty()) return false;
  const std::vector<tasks::Decision> decisions = std::move(decisions_);
  const std::vector<tasks::CallOffer> calls = std::move(call_offers_);
  to_ring_.clear();
  for (const tasks::CallOffer &call : calls) offer_call(call);
  for (const tasks::Decision &decision : decisions) {
    switch (decision.kind) {
      case tasks::Decision::Kind::kOffer:
        offer(decision);
        break;
      case tasks::Decision::Kind::kTakeBack:
        take_back(decision);
        break;
      case tasks::Decision::Kind::kStartWorkers:
        edge_.start_workers(decision.template_number, decision.count);
        break;
      case tasks::Decision::Kind::kStopWorker:
        if (Client *const worker = clients_.find(decision.worker)) edge_.kill(*worker, segment::DeathCause::kNotNeeded);
        break;
      case tasks::Decision::Kind::kGiveUp:
        give_up(decision.task);
        break;
    }
  }
  // The offers are visible before we read who sleeps; pairs with the worker's count and re-check.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (const std::uint32_t id : to_ring_) {
    if (Client *const worker = clients_.find(id)) segment::ring_if_asleep(clients_.slot(*worker));
  }
  return true;
}

TaskFigures Tasks::figures() const {
  const tasks::SchedulerFigures scheduled = scheduler_.figures();
  TaskFigures figures;
  for (const std::uint32_t id : clients_.ids()) {
    const Client &client = *clients_.find(id);
    // Actors that are ending count until their process has.
    const auto record = actor_records_.find(client.actor);
    const bool is_known = record != actor_records_.end() && !record->second.is_dead;
    if (client.actor != 0 && !is_known) ++figures.actors;
    for (const std::uint64_t number : client.offered) {
      const Task *const task = const_cast<Tasks *>(this)->find(number);
      if (task != nullptr && is_running_at(*task, client)) ++figures.running;
    }
  }
  const std::uint64_t alive = scheduled.queued + scheduled.ending + actors_.calls_count();
  figures.queued = alive - std::min<std::uint64_t>(figures.running, alive);
  figures.finished = scheduled.finished + finished_calls_;
  figures.actors += actors_.actors_count();
  figures.failed = failed_;
  return figures;
}

}  // namespace mobula::raylet
