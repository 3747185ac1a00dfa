#include "tasks/scheduler.h"

#include <algorithm>
#include <stdexcept>

namespace mobula::tasks {

namespace {

bool is_with_worker(TaskState state) {
  switch (state) {
    case TaskState::kOffered:
    case TaskState::kTakingBack:
    case TaskState::kClaimed:
    case TaskState::kEndingAsked:
    case TaskState::kEnding:
      return true;
    case TaskState::kWaiting:
    case TaskState::kReady:
    case TaskState::kOrphan:
      return false;
  }
  return false;
}

bool is_ending(TaskState state) { return state == TaskState::kEnding || state == TaskState::kEndingAsked; }

}  // namespace

Scheduler::Scheduler(const SchedulerLimits &limits)
    : limits_(limits), idle_max_(limits.slots_count), ready_(tasks_), pool_(tasks_, limits.offers_per_worker_max) {
  if (limits.slots_count == 0 || limits.offers_per_worker_max == 0 || limits.workers_max == 0) {
    throw std::invalid_argument("scheduler: slots_count, offers_per_worker_max and workers_max must be at least 1");
  }
}

bool Scheduler::template_added(TemplateNumber template_number) {
  if (pool_.template_count() >= limits_.templates_max || pool_.find_template(template_number) != kNoIndex) {
    return false;
  }
  pool_.add_template(template_number);
  return true;
}

std::vector<TaskNumber> Scheduler::template_removed(TemplateNumber template_number) {
  std::vector<TaskNumber> left;
  const std::uint32_t home = pool_.find_template(template_number);
  if (home == kNoIndex) {
    return left;
  }
  TemplateRecord &removed = pool_.home(home);
  left.reserve(removed.waiting.count + removed.ready.count);
  const auto leave = [&](std::uint32_t task) {
    left.push_back(tasks_[task].number);
    forget(task);
  };
  while (removed.ready.count > 0) {
    const std::uint32_t task = ready_.pop(removed.ready);
    tasks_.set_state(task, TaskState::kOrphan);
    leave(task);
  }
  while (removed.waiting.count > 0) {
    leave(removed.waiting.first);
  }
  pool_.backlog_changed(home);
  const bool has_workers = removed.workers > 0;
  pool_.close_template(home);
  if (has_workers) {
    stop_surplus_idle(home);
  }
  return left;
}

bool Scheduler::task_submitted(TaskNumber number, JobNumber job, TemplateNumber template_number,
                               std::span<const ObjectKey> unsettled_dependencies, std::uint32_t retries_left) {
  const std::uint32_t home = pool_.find_template(template_number);
  if (home == kNoIndex || tasks_.size() >= limits_.tasks_max || tasks_.index_of(number) != kNoIndex ||
      unsettled_dependencies.size() > limits_.dependencies_max - dependencies_.edge_count()) {
    return false;
  }
  const std::uint32_t task = tasks_.add(number, job);
  tasks_[task].home = home;
  tasks_[task].retries_left = retries_left;
  pool_.task_added(home);
  dependencies_.add(tasks_, task, unsettled_dependencies);
  if (tasks_[task].unsettled_count == 0) {
    make_ready(task, /*at_front=*/false);
  } else {
    tasks_.push_back(pool_.home(home).waiting, task);
  }
  return true;
}

void Scheduler::object_settled(ObjectKey object, bool at_front) {
  dependencies_.settle(object, scratch_);
  for (const std::uint32_t task : scratch_) {
    if (--tasks_[task].unsettled_count == 0) {
      dependencies_.drop(tasks_, task);
      tasks_.unlink(pool_.home(tasks_[task].home).waiting, task);
      make_ready(task, at_front);
    }
  }
}

std::vector<ObjectKey> Scheduler::awaited_by(TaskNumber number) const {
  const std::uint32_t task = tasks_.index_of(number);
  return task == kNoIndex ? std::vector<ObjectKey>{} : dependencies_.awaited_by(tasks_, task);
}

std::vector<TaskNumber> Scheduler::waiting_on(ObjectKey object) const {
  std::vector<std::uint32_t> waiting;
  dependencies_.list(object, waiting);
  std::vector<TaskNumber> numbers;
  numbers.reserve(waiting.size());
  for (const std::uint32_t task : waiting) {
    numbers.push_back(tasks_[task].number);
  }
  return numbers;
}

void Scheduler::make_ready(std::uint32_t task, bool at_front) {
  const std::uint32_t home = tasks_[task].home;
  if (pool_.home(home).closing) {
    tasks_.set_state(task, TaskState::kOrphan);
    pending_.push_back({.kind = Decision::Kind::kGiveUp, .task = tasks_[task].number});
    return;
  }
  tasks_.set_state(task, TaskState::kReady);
  ReadyRing &ring = pool_.home(home).ready;
  at_front ? ready_.push_front(ring, task) : ready_.push_back(ring, task);
  pool_.backlog_changed(home);
}

void Scheduler::task_finished(TaskNumber number) {
  const std::uint32_t task = tasks_.index_of(number);
  if (task == kNoIndex) {
    return;
  }
  finished_ += is_ending(tasks_[task].state) ? 0 : 1;
  forget(task);
}

bool Scheduler::task_failed(TaskNumber number) {
  const std::uint32_t task = tasks_.index_of(number);
  if (task == kNoIndex || !is_with_worker(tasks_[task].state)) return false;
  const bool ending = is_ending(tasks_[task].state);
  const std::uint32_t home = tasks_[task].home;
  pool_.withdraw(task, TaskState::kOrphan);
  if (ending) forget(task);
  const bool again = !ending && requeue(number, /*counts_as_retry=*/true);
  stop_surplus_idle(home);
  return again;
}

void Scheduler::task_removed(TaskNumber number) {
  const std::uint32_t task = tasks_.index_of(number);
  if (task != kNoIndex) {
    forget(task);
  }
}

void Scheduler::forget(std::uint32_t task) {
  const TaskState state = tasks_[task].state;
  const std::uint32_t home = tasks_[task].home;
  if (state == TaskState::kWaiting) {
    dependencies_.drop(tasks_, task);
    tasks_.unlink(pool_.home(home).waiting, task);
  } else if (state == TaskState::kReady) {
    ready_.remove(pool_.home(home).ready, task);
    pool_.backlog_changed(home);
  } else if (is_with_worker(state)) {
    pool_.withdraw(task, TaskState::kOrphan);
    stop_surplus_idle(home);
  }
  tasks_.remove(task);
  pool_.task_gone(home);
}

std::vector<TaskNumber> Scheduler::job_ended(JobNumber job) {
  std::vector<TaskNumber> ended;
  for (std::uint32_t task = tasks_.first_of_job(job); task != kNoIndex; task = tasks_.first_of_job(job)) {
    ended.push_back(tasks_[task].number);
    if (is_with_worker(tasks_[task].state)) {
      tasks_.leave_job(task);
      end_in_worker(task);
    } else {
      forget(task);
    }
  }
  return ended;
}

// The worker may be running it: as long as nobody knows, it keeps the worker busy.
void Scheduler::end_in_worker(std::uint32_t task) {
  switch (tasks_[task].state) {
    case TaskState::kOffered:
      ask_back(task, TaskState::kEndingAsked, pending_);
      break;
    case TaskState::kTakingBack:
      pool_.change_state(task, TaskState::kEndingAsked);
      break;
    default:
      pool_.change_state(task, TaskState::kEnding);
  }
}

void Scheduler::ask_back(std::uint32_t task, TaskState state, std::vector<Decision> &decisions) {
  pool_.change_state(task, state);
  decisions.push_back({.kind = Decision::Kind::kTakeBack,
                       .task = tasks_[task].number,
                       .worker = pool_.worker(tasks_[task].worker).number});
}

bool Scheduler::worker_started(WorkerNumber worker, TemplateNumber template_number) {
  const std::uint32_t home = pool_.find_template(template_number);
  if (home == kNoIndex || pool_.find_worker(worker) != kNoIndex || pool_.worker_count() >= limits_.workers_max) {
    return false;
  }
  pool_.add_worker(worker, home);
  stop_surplus_idle(home);
  return true;
}

void Scheduler::worker_start_failed(TemplateNumber template_number) {
  const std::uint32_t home = pool_.find_template(template_number);
  if (home != kNoIndex) {
    pool_.expect_fewer_workers(home, 1);
  }
}

void Scheduler::worker_blocked(WorkerNumber number) {
  const std::uint32_t worker = pool_.find_worker(number);
  if (worker == kNoIndex) {
    return;
  }
  pool_.set_blocked(worker, true);
  // From the tail: each one taken back goes to the front of its job, so their order stays. The head is asked for, too:
  // it runs or has run, and the answer says so.
  for (std::uint32_t task = pool_.worker(worker).queue.last; task != kNoIndex; task = tasks_[task].previous) {
    if (tasks_[task].state == TaskState::kOffered) {
      ask_back(task, TaskState::kTakingBack, pending_);
    }
  }
}

void Scheduler::worker_unblocked(WorkerNumber number) {
  const std::uint32_t worker = pool_.find_worker(number);
  if (worker != kNoIndex) {
    pool_.set_blocked(worker, false);
    stop_surplus_idle(pool_.worker(worker).home);
  }
}

std::vector<TaskNumber> Scheduler::worker_died(WorkerNumber number) {
  std::vector<TaskNumber> orphans;
  const std::uint32_t worker = pool_.find_worker(number);
  if (worker == kNoIndex) {
    return orphans;
  }
  orphans.reserve(pool_.worker(worker).queue.count);
  while (pool_.worker(worker).queue.count > 0) {
    const std::uint32_t task = pool_.worker(worker).queue.first;
    const bool ending = is_ending(tasks_[task].state);
    pool_.withdraw(task, TaskState::kOrphan);
    if (ending) {
      forget(task);
    } else {
      orphans.push_back(tasks_[task].number);
    }
  }
  pool_.remove_worker(worker);
  return orphans;
}

bool Scheduler::requeue(TaskNumber number, bool counts_as_retry) {
  const std::uint32_t task = tasks_.index_of(number);
  if (task == kNoIndex || tasks_[task].state != TaskState::kOrphan) {
    return false;
  }
  if (pool_.home(tasks_[task].home).closing || (counts_as_retry && tasks_[task].retries_left == 0)) {
    forget(task);
    return false;
  }
  tasks_[task].retries_left -= counts_as_retry ? 1 : 0;
  make_ready(task, /*at_front=*/true);
  return true;
}

void Scheduler::taken_back(TaskNumber number, WorkerNumber worker, bool success) {
  const std::uint32_t task = tasks_.index_of(number);
  if (task == kNoIndex || worker_of(number) != worker) {
    return;
  }
  const TaskState state = tasks_[task].state;
  if (state == TaskState::kTakingBack && success) {
    pool_.withdraw(task, TaskState::kOrphan);
    make_ready(task, /*at_front=*/true);
    stop_surplus_idle(tasks_[task].home);
  } else if (state == TaskState::kTakingBack) {
    pool_.change_state(task, TaskState::kClaimed);
  } else if (state == TaskState::kEndingAsked && success) {
    forget(task);
  } else if (state == TaskState::kEndingAsked) {
    pool_.change_state(task, TaskState::kEnding);
  }
}

void Scheduler::set_slots(std::uint32_t count) { limits_.slots_count = std::max(1U, count); }

// More idle workers than slots are left over from nesting; those of a removed template have nothing to wait for. Slots
// come and go quicker than workers start: their first number counts.
void Scheduler::stop_surplus_idle(std::uint32_t home) {
  const std::uint32_t idle_max = pool_.home(home).closing ? 0 : std::max(idle_max_, limits_.slots_count);
  while (pool_.home(home).idle().count > idle_max) {
    stop_idle(pool_.home(home).idle().last, pending_);
  }
}

std::optional<WorkerNumber> Scheduler::worker_of(TaskNumber number) const {
  const std::uint32_t task = tasks_.index_of(number);
  if (task == kNoIndex || tasks_[task].worker == kNoIndex) {
    return std::nullopt;
  }
  return pool_.worker(tasks_[task].worker).number;
}

std::uint32_t Scheduler::retries_left(TaskNumber number) const {
  const std::uint32_t task = tasks_.index_of(number);
  return task == kNoIndex ? 0 : tasks_[task].retries_left;
}

std::uint32_t Scheduler::offered_count(WorkerNumber number) const {
  const std::uint32_t worker = pool_.find_worker(number);
  return worker == kNoIndex ? 0 : pool_.worker(worker).queue.count;
}

SchedulerFigures Scheduler::figures() const {
  SchedulerFigures figures;
  figures.waiting = tasks_.count(TaskState::kWaiting);
  figures.ready = tasks_.count(TaskState::kReady);
  figures.offered =
      tasks_.count(TaskState::kOffered) + tasks_.count(TaskState::kTakingBack) + tasks_.count(TaskState::kClaimed);
  figures.orphaned = tasks_.count(TaskState::kOrphan);
  figures.ending = tasks_.count(TaskState::kEnding) + tasks_.count(TaskState::kEndingAsked);
  figures.queued = figures.waiting + figures.ready + figures.offered + figures.orphaned;
  figures.finished = finished_;
  figures.workers = pool_.worker_count();
  figures.workers_busy = pool_.busy_count();
  figures.workers_blocked = pool_.blocked_count();
  figures.workers_starting = pool_.starting_count();
  figures.dependencies = dependencies_.edge_count();
  return figures;
}

}  // namespace mobula::tasks
