// The decisions of tasks/scheduler.h, in the order in which decide() makes them.
#include <algorithm>
#include <utility>

#include "tasks/scheduler.h"

namespace mobula::tasks {

void Scheduler::decide(std::vector<Decision> &decisions, std::int64_t now_ns) {
  decisions.clear();
  now_ns_ = now_ns;
  turn_over_ns_.reset();
  emit_pending(decisions);
  assign_slots(decisions);
  start_workers(decisions);
  yield_slots(decisions);
  fill_queues(decisions);
}

void Scheduler::emit_pending(std::vector<Decision> &decisions) {
  for (const Decision &decision : pending_) {
    if (still_wanted(decision)) {
      decisions.push_back(decision);
    }
    if (decision.kind == Decision::Kind::kGiveUp) {
      task_removed(decision.task);
    }
  }
  pending_.clear();
}

// Events that came after the decision was made may have overtaken it.
bool Scheduler::still_wanted(const Decision &decision) const {
  if (decision.kind == Decision::Kind::kStopWorker) {
    const std::uint32_t worker = pool_.find_worker(decision.worker);
    return worker != kNoIndex && pool_.worker(worker).stopping;
  }
  const std::uint32_t task = tasks_.index_of(decision.task);
  if (task == kNoIndex || decision.kind == Decision::Kind::kGiveUp) {
    return task != kNoIndex;
  }
  const TaskState state = tasks_[task].state;
  return state == TaskState::kTakingBack || state == TaskState::kEndingAsked;
}

// Breadth first: one task for each idle worker while slots are free. Where the work stands in another worker's queue
// the slot is held until that is taken back.
void Scheduler::assign_slots(std::vector<Decision> &decisions) {
  for (const std::uint32_t home : pool_.active()) {
    pool_.home(home).held = 0;
  }
  for (std::uint32_t used = pool_.busy_count(); used < limits_.slots_count; ++used) {
    const std::uint32_t home = next_for_slot();
    if (home == kNoIndex) {
      return;
    }
    TemplateRecord &chosen = pool_.home(home);
    chosen.last_turn = ++turns_;
    if (chosen.ready.count > 0) {
      offer_next(chosen.idle().first, decisions);
      continue;
    }
    ++chosen.held;
    if (chosen.taking_back < chosen.held) {
      const std::uint32_t longest = pool_.longest(home);
      if (longest != kNoIndex) {
        take_back_tail(longest, (pool_.worker(longest).movable + 1) / 2, decisions);
      }
    }
  }
}

// The template with the fewest busy workers among those that can use a slot now; of equals the one that waited longest.
std::uint32_t Scheduler::next_for_slot() const {
  std::uint32_t best = kNoIndex;
  std::pair<std::uint32_t, std::uint64_t> best_rank;
  for (const std::uint32_t home : pool_.active()) {
    const TemplateRecord &candidate = pool_.home(home);
    if (candidate.idle().count <= candidate.held || candidate.backlog() <= candidate.held) {
      continue;
    }
    const std::pair rank{candidate.busy + candidate.held, candidate.last_turn};
    if (best == kNoIndex || rank < best_rank) {
      best = home;
      best_rank = rank;
    }
  }
  return best;
}

void Scheduler::start_workers(std::vector<Decision> &decisions) {
  for (const std::uint32_t home : pool_.active()) {
    const std::uint32_t lacking = workers_lacking(pool_.home(home));
    const std::uint32_t count = lacking == 0 ? 0 : make_room(lacking, decisions);
    if (count > 0) {
      pool_.expect_workers(home, count);
      decisions.push_back(
          {.kind = Decision::Kind::kStartWorkers, .template_number = pool_.home(home).number, .count = count});
    }
  }
}

std::uint32_t Scheduler::workers_lacking(const TemplateRecord &home) const {
  if (home.closing) {
    return 0;
  }
  const std::uint32_t slots_free = limits_.slots_count - std::min(limits_.slots_count, pool_.busy_count());
  const std::uint32_t usable = std::max(share(), home.busy + slots_free);
  const std::uint32_t wanted = std::min(home.busy + home.backlog(), usable);
  const std::uint32_t there = home.busy + home.idle().count + home.starting;
  return wanted - std::min(wanted, there);
}

// How many of the lacking workers may start under workers_max. For the others idle workers of templates without work
// are stopped; their deaths make the room.
std::uint32_t Scheduler::make_room(std::uint32_t lacking, std::vector<Decision> &decisions) {
  const std::size_t present = pool_.worker_count() + pool_.starting_count();
  const std::size_t room = limits_.workers_max - std::min<std::size_t>(limits_.workers_max, present);
  const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(lacking, room));
  for (std::uint32_t home = 0; home < pool_.template_index_end(); ++home) {
    while (pool_.stopping_count() < lacking - count && pool_.home(home).backlog() == 0 &&
           !pool_.home(home).lists.empty() && pool_.home(home).idle().count > 0) {
      stop_idle(pool_.home(home).idle().last, decisions);
    }
    if (pool_.stopping_count() >= lacking - count) {
      break;
    }
  }
  return count;
}

// The slots that each template with a backlog may count on.
std::uint32_t Scheduler::share() const {
  const auto contenders = static_cast<std::uint32_t>(pool_.active().size());
  return std::max(1U, limits_.slots_count / std::max(1U, contenders));
}

// All slots are taken, but unevenly: a worker of the richest template whose turn is over finishes what it runs and gets
// nothing more.
void Scheduler::yield_slots(std::vector<Decision> &decisions) {
  if (pool_.busy_count() < limits_.slots_count || pool_.active().size() < 2) {
    return;
  }
  for (;;) {
    const std::uint32_t poor = next_below_share();
    const std::uint32_t rich = poor == kNoIndex ? kNoIndex : next_to_yield(poor);
    if (rich == kNoIndex) {
      return;
    }
    const std::uint32_t worker = pool_.shortest(rich);
    const std::int64_t turn_over_ns = pool_.worker(worker).busy_since_ns + limits_.turn_ns;
    if (now_ns_ < turn_over_ns) {
      turn_over_ns_ = turn_over_ns;
      return;
    }
    take_back_tail(worker, pool_.worker(worker).movable, decisions);
    pool_.set_yielding(worker, poor);
  }
}

std::uint32_t Scheduler::next_below_share() const {
  std::uint32_t best = kNoIndex;
  std::pair<std::uint32_t, std::uint64_t> best_rank{share(), 0};
  for (const std::uint32_t home : pool_.active()) {
    const TemplateRecord &candidate = pool_.home(home);
    const std::pair rank{candidate.busy + candidate.granted, candidate.last_turn};
    if (candidate.idle().count > candidate.granted && candidate.backlog() > candidate.granted && rank < best_rank) {
      best = home;
      best_rank = rank;
    }
  }
  return best;
}

// With more templates than slots even the last worker of a template yields: they take turns. What a closing template
// gave back could not run again, so it keeps its workers.
std::uint32_t Scheduler::next_to_yield(std::uint32_t to_home) const {
  const TemplateRecord &poor = pool_.home(to_home);
  std::uint32_t best = kNoIndex;
  std::uint32_t most = poor.busy + poor.granted == 0 ? 0 : share();
  for (const std::uint32_t home : pool_.active()) {
    const TemplateRecord &candidate = pool_.home(home);
    const std::uint32_t kept = candidate.busy - candidate.yielding;
    if (home != to_home && !candidate.closing && kept > most && pool_.shortest(home) != kNoIndex) {
      best = home;
      most = kept;
    }
  }
  return best;
}

// Depth second: busy workers get more, the one with the least first. Not while there are more busy workers than slots:
// that is how the surplus drains.
void Scheduler::fill_queues(std::vector<Decision> &decisions) {
  if (pool_.busy_count() > limits_.slots_count) {
    return;
  }
  for (const std::uint32_t home : pool_.active()) {
    while (pool_.home(home).ready.count > 0) {
      const std::uint32_t worker = pool_.shortest(home);
      if (worker == kNoIndex || pool_.worker(worker).queue.count >= limits_.offers_per_worker_max) {
        break;
      }
      offer_next(worker, decisions);
    }
  }
}

void Scheduler::offer_next(std::uint32_t worker, std::vector<Decision> &decisions) {
  const std::uint32_t home = pool_.worker(worker).home;
  const std::uint32_t task = ready_.pop(pool_.home(home).ready);
  if (!pool_.worker(worker).busy) pool_.worker(worker).busy_since_ns = now_ns_;
  pool_.offer(worker, task);
  decisions.push_back(
      {.kind = Decision::Kind::kOffer, .task = tasks_[task].number, .worker = pool_.worker(worker).number});
}

// The head stays: it runs or is next.
void Scheduler::take_back_tail(std::uint32_t worker, std::uint32_t count, std::vector<Decision> &decisions) {
  const std::uint32_t head = pool_.worker(worker).queue.first;
  std::uint32_t task = pool_.worker(worker).queue.last;
  for (std::uint32_t taken = 0; taken < count && task != head; task = tasks_[task].previous) {
    if (tasks_[task].state == TaskState::kOffered) {
      ask_back(task, TaskState::kTakingBack, decisions);
      ++taken;
    }
  }
}

void Scheduler::stop_idle(std::uint32_t worker, std::vector<Decision> &decisions) {
  pool_.set_stopping(worker);
  decisions.push_back({.kind = Decision::Kind::kStopWorker, .worker = pool_.worker(worker).number});
}

}  // namespace mobula::tasks
