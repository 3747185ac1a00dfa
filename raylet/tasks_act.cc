// Carrying out what the scheduler decides.
#include <algorithm>

#include "base/crash_points.h"
#include "raylet/tasks.h"
#include "segment/bell.h"
#include "tasks/claim.h"

namespace mobula::raylet {

void Tasks::offer(const tasks::Decision &decision) {
  Task *const task = find(decision.task);
  Client *const worker = clients_.find(decision.worker);
  if (task == nullptr || worker == nullptr) return;
  tasks::offer(store_.segment().entry(task->names.spec.entry).claim, worker->id, task->names.spec.generation);  // O1
  base::crash_point(base::CrashPoint::kRayletOffered);
  if (worker->offered.empty()) worker->last_job = task->job;
  worker->offered.push_back(task->number);
  // O2. The ring is deeper than the scheduler's queue; only taken-back slots that a busy worker could not skip fill it.
  // Until it has skipped them it gets nothing. The task stays offered (it may claim it through an older slot); the
  // scheduler takes it back like all its others.
  if (!worker->offers.try_push(wire::task_slot(wire::Offer::kTask, task->names)))
    return change(*worker, &Client::parked, true);
  if (std::find(to_ring_.begin(), to_ring_.end(), worker->id) == to_ring_.end()) to_ring_.push_back(worker->id);
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
  scheduler_.decide(decisions_);
  if (decisions_.empty()) return false;
  const std::vector<tasks::Decision> decisions = std::move(decisions_);
  to_ring_.clear();
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
        if (Client *const worker = clients_.find(decision.worker)) edge_.kill(*worker);
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
    for (const std::uint64_t number : client.offered) {
      const Task *const task = const_cast<Tasks *>(this)->find(number);
      if (task != nullptr && is_running_at(*task, client)) ++figures.running;
    }
  }
  const std::uint64_t alive = scheduled.queued + scheduled.ending;
  figures.queued = alive - std::min<std::uint64_t>(figures.running, alive);
  figures.finished = scheduled.finished;
  figures.failed = failed_;
  return figures;
}

}  // namespace mobula::raylet
