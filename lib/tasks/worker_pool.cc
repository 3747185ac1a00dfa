#include "tasks/worker_pool.h"

#include <algorithm>
#include <bit>

namespace mobula::tasks {

namespace {
constexpr std::uint32_t kWordBits = 64;
}  // namespace

void WorkerPool::add_template(TemplateNumber number) {
  const std::uint32_t home = templates_.take();
  TemplateRecord &added = templates_[home];
  added.number = number;
  // One list for the idle, one for each count of movable tasks: 0 .. offers_per_worker_max - 1, the head never moves.
  added.lists.resize(offers_per_worker_max_ + 1);
  added.filled.resize(added.lists.size() / kWordBits + 1);
  template_numbers_.insert(number, home);
}

void WorkerPool::close_template(std::uint32_t home) {
  TemplateRecord &closed = templates_[home];
  template_numbers_.erase(closed.number);
  closed.closing = true;
  expect_fewer_workers(home, closed.starting);
  free_if_unused(home);
}

void WorkerPool::free_if_unused(std::uint32_t home) {
  const TemplateRecord &unused = templates_[home];
  if (unused.closing && unused.workers == 0 && unused.tasks == 0) {
    templates_.release(home);
  }
}

void WorkerPool::task_added(std::uint32_t home) { ++templates_[home].tasks; }

void WorkerPool::task_gone(std::uint32_t home) {
  --templates_[home].tasks;
  free_if_unused(home);
}

void WorkerPool::add_worker(WorkerNumber number, std::uint32_t home) {
  expect_fewer_workers(home, 1);
  const std::uint32_t added = workers_.take();
  workers_[added].number = number;
  workers_[added].home = home;
  worker_numbers_.insert(number, added);
  ++templates_[home].workers;
  refresh(added);
}

void WorkerPool::remove_worker(std::uint32_t worker) {
  WorkerRecord &removed = workers_[worker];
  const std::uint32_t home = removed.home;
  end_yield(removed);
  move_to(worker, kNoIndex);
  blocked_ -= removed.blocked ? 1 : 0;
  stopping_ -= removed.stopping ? 1 : 0;
  worker_numbers_.erase(removed.number);
  workers_.release(worker);
  --templates_[home].workers;
  free_if_unused(home);
}

void WorkerPool::expect_workers(std::uint32_t home, std::uint32_t count) {
  templates_[home].starting += count;
  starting_ += count;
}

void WorkerPool::expect_fewer_workers(std::uint32_t home, std::uint32_t count) {
  const std::uint32_t returned = std::min(count, templates_[home].starting);
  templates_[home].starting -= returned;
  starting_ -= returned;
}

void WorkerPool::offer(std::uint32_t worker, std::uint32_t task) {
  tasks_.push_back(workers_[worker].queue, task);
  tasks_[task].worker = worker;
  tasks_.set_state(task, TaskState::kOffered);
  count_state(task, 1);
  refresh(worker);
}

void WorkerPool::withdraw(std::uint32_t task, TaskState state) {
  const std::uint32_t worker = tasks_[task].worker;
  count_state(task, UINT32_MAX);
  tasks_.unlink(workers_[worker].queue, task);
  tasks_[task].worker = kNoIndex;
  tasks_.set_state(task, state);
  refresh(worker);
}

void WorkerPool::change_state(std::uint32_t task, TaskState state) {
  count_state(task, UINT32_MAX);
  tasks_.set_state(task, state);
  count_state(task, 1);
  refresh(tasks_[task].worker);
}

// `difference` is 1 or, modulo 2^32, -1.
void WorkerPool::count_state(std::uint32_t task, std::uint32_t difference) {
  const TaskRecord &record = tasks_[task];
  if (record.state == TaskState::kOffered) {
    workers_[record.worker].offered += difference;
  } else if (record.state == TaskState::kTakingBack) {
    templates_[record.home].taking_back += difference;
  }
}

void WorkerPool::set_blocked(std::uint32_t worker, bool blocked) {
  if (workers_[worker].blocked != blocked) {
    workers_[worker].blocked = blocked;
    blocked ? ++blocked_ : --blocked_;
    refresh(worker);
  }
}

void WorkerPool::set_yielding(std::uint32_t worker, std::uint32_t to_home) {
  workers_[worker].yielding = true;
  workers_[worker].yields_to = templates_[to_home].number;
  ++templates_[workers_[worker].home].yielding;
  ++templates_[to_home].granted;
  refresh(worker);
}

void WorkerPool::end_yield(WorkerRecord &worker) {
  if (!worker.yielding) {
    return;
  }
  worker.yielding = false;
  --templates_[worker.home].yielding;
  const std::uint32_t to_home = find_template(worker.yields_to);
  // The number may name a younger template by now, which was granted nothing.
  if (to_home != kNoIndex && templates_[to_home].granted > 0) {
    --templates_[to_home].granted;
  }
}

void WorkerPool::set_stopping(std::uint32_t worker) {
  workers_[worker].stopping = true;
  ++stopping_;
  refresh(worker);
}

// Every change of a worker ends here: the sums of its template and its place in the lists follow its own fields.
void WorkerPool::refresh(std::uint32_t index) {
  WorkerRecord &worker = workers_[index];
  TemplateRecord &home = templates_[worker.home];
  const bool busy = !worker.blocked && worker.queue.count > 0;
  if (busy != worker.busy) {
    worker.busy = busy;
    busy ? ++home.busy : --home.busy;
    busy ? ++busy_ : --busy_;
  }
  if (!busy) {
    end_yield(worker);
  }
  const bool head_offered = worker.queue.count > 0 && tasks_[worker.queue.first].state == TaskState::kOffered;
  const std::uint32_t movable = worker.offered - (head_offered ? 1 : 0);
  home.movable += movable - worker.movable;
  worker.movable = movable;
  move_to(index, wanted_place(worker));
  backlog_changed(worker.home);
}

std::uint32_t WorkerPool::wanted_place(const WorkerRecord &worker) const {
  if (worker.blocked || worker.stopping || worker.yielding) {
    return kNoIndex;
  }
  return worker.queue.count == 0 ? 0 : 1 + worker.movable;
}

// The worker that came last goes first: its caches are the warmest.
void WorkerPool::move_to(std::uint32_t index, std::uint32_t place) {
  WorkerRecord &worker = workers_[index];
  TemplateRecord &home = templates_[worker.home];
  if (worker.place == place) {
    return;
  }
  if (worker.place != kNoIndex) {
    WorkerList &left = home.lists[worker.place];
    (worker.previous == kNoIndex ? left.first : workers_[worker.previous].next) = worker.next;
    (worker.next == kNoIndex ? left.last : workers_[worker.next].previous) = worker.previous;
    if (--left.count == 0) {
      home.filled[worker.place / kWordBits] &= ~(std::uint64_t{1} << (worker.place % kWordBits));
    }
  }
  worker.place = place;
  worker.previous = worker.next = kNoIndex;
  if (place != kNoIndex) {
    WorkerList &joined = home.lists[place];
    worker.next = joined.first;
    (joined.first == kNoIndex ? joined.last : workers_[joined.first].previous) = index;
    joined.first = index;
    ++joined.count;
    home.filled[place / kWordBits] |= std::uint64_t{1} << (place % kWordBits);
  }
}

void WorkerPool::backlog_changed(std::uint32_t index) {
  TemplateRecord &home = templates_[index];
  const bool active = home.backlog() > 0;
  if (active == (home.active_place != kNoIndex)) {
    return;
  }
  if (active) {
    home.active_place = static_cast<std::uint32_t>(active_.size());
    active_.push_back(index);
    return;
  }
  templates_[active_.back()].active_place = home.active_place;
  active_[home.active_place] = active_.back();
  active_.pop_back();
  home.active_place = kNoIndex;
}

std::uint32_t WorkerPool::shortest(std::uint32_t index) const {
  const TemplateRecord &home = templates_[index];
  for (std::uint32_t word = 0; word < home.filled.size(); ++word) {
    const std::uint64_t busy = word == 0 ? home.filled[0] & ~std::uint64_t{1} : home.filled[word];
    if (busy != 0) {
      return home.lists[word * kWordBits + static_cast<std::uint32_t>(std::countr_zero(busy))].first;
    }
  }
  return kNoIndex;
}

std::uint32_t WorkerPool::longest(std::uint32_t index) const {
  const TemplateRecord &home = templates_[index];
  for (std::size_t word = home.filled.size(); word-- > 0;) {
    const std::uint64_t movable = word == 0 ? home.filled[0] & ~std::uint64_t{3} : home.filled[word];
    if (movable != 0) {
      return home.lists[word * kWordBits + kWordBits - 1 - static_cast<std::size_t>(std::countl_zero(movable))].first;
    }
  }
  return kNoIndex;
}

}  // namespace mobula::tasks
