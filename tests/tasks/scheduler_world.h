// tests/tasks/scheduler_world.h: a small world that executes the scheduler's decisions: workers with rings and claim
// words, late messages, tasks that submit tasks and block, deaths, cancels. Everything random comes from a seed.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "tasks/scheduler.h"
#include "tasks/scheduler_fakes.h"

namespace mobula::tasks::testing {

class World {
 public:
  World(std::uint64_t seed, SchedulerLimits limits) : scheduler_(limits), limits_(limits), random_(seed) {}

  std::uint32_t roll(std::uint32_t sides) { return static_cast<std::uint32_t>(random_() % sides); }

  void add_template(TemplateNumber home) {
    REQUIRE(scheduler_.template_added(home));
    templates_.insert(home);
  }

  TaskNumber submit(JobNumber job, TemplateNumber home, int depth, const std::vector<ObjectKey> &after = {}) {
    const TaskNumber task = ++last_task_;
    tasks_[task] = {job, home, depth};
    hand_in(task, after);
    return task;
  }

  // One message, answer, start, worker step or decision. `chaos` adds deaths, failed starts, cancels, ended jobs,
  // removed templates.
  void step(bool chaos) {
    const std::uint32_t dice = roll(1000);
    if (chaos && dice < 4) {
      kill(any_worker());
    } else if (chaos && dice < 7) {
      cancel(1 + roll(static_cast<std::uint32_t>(last_task_)));
    } else if (chaos && dice == 7 && roll(8) == 0) {
      end_job(1 + roll(3));
    } else if (chaos && dice == 8 && roll(20) == 0) {
      remove_template(2 + roll(2));
    } else if (dice < 200) {
      decide();
    } else if (dice < 300) {
      start_one(chaos);
    } else if (dice < 400) {
      answer_one();
    } else if (dice < 650) {
      deliver_one(any_worker());
    } else {
      work(any_worker());
    }
  }

  bool all_ended() const { return ended_ == tasks_.size(); }

  void run_until_all_ended(bool chaos, std::size_t steps_max) {
    std::size_t steps = 0;
    while (!all_ended() && ++steps < steps_max) {
      step(chaos && steps < steps_max / 2);
    }
    REQUIRE_MESSAGE(all_ended(), "stalled with ", tasks_.size() - ended_, " tasks left");
  }

  // Lets what is under way arrive; then nothing may be left and nothing may have happened twice.
  void check_at_rest() {
    for (int i = 0; i < 20'000; ++i) {
      step(false);
    }
    int wrong = 0;
    for (const auto &[number, task] : tasks_) {
      wrong += task.ended == 1 && task.settled && task.runs_finished <= 1 ? 0 : 1;
    }
    CHECK(wrong == 0);
    const SchedulerFigures figures = scheduler_.figures();
    CHECK(figures.queued == 0);
    CHECK(figures.ending == 0);
    CHECK(figures.dependencies == 0);
    CHECK(figures.workers == workers_.size());
    CHECK(figures.workers_busy == 0);
    CHECK(figures.workers_blocked == 0);
    CHECK(figures.finished == finished_);
    scheduler_.decide(decisions_);
    CHECK(decisions_.empty());
  }

  const WorldFigures &seen() const { return seen_; }

 private:
  void hand_in(TaskNumber task, const std::vector<ObjectKey> &after) {
    std::vector<ObjectKey> unsettled;
    for (const ObjectKey object : after) {
      if (tasks_.at(object).ended == 0) {
        unsettled.push_back(object);
      }
    }
    const TemplateNumber home = tasks_[task].home;
    REQUIRE(scheduler_.task_submitted(task, tasks_[task].job, home, unsettled, 1) == (templates_.count(home) == 1));
    if (templates_.count(home) == 0) {
      end(task, true);
    }
  }

  // The raylet saw the task's end: whoever waits for its object goes on, or fails with it.
  void end(TaskNumber number, bool failed) {
    FakeTask &task = tasks_.at(number);
    task.settled = true;
    ++task.ended;
    ++ended_;
    if (!failed) {
      scheduler_.object_settled(number);
      return;
    }
    for (const TaskNumber dependent : scheduler_.waiting_on(number)) {
      // A failed dependant may have taken others of this list with it.
      if (tasks_.at(dependent).ended == 0) {
        scheduler_.task_removed(dependent);
        end(dependent, true);
      }
    }
  }

  WorkerNumber any_worker() {
    if (workers_.empty()) {
      return 0;
    }
    auto at = workers_.begin();
    std::advance(at, roll(static_cast<std::uint32_t>(workers_.size())));
    return at->first;
  }

  void work(WorkerNumber number) {
    if (number == 0) return;
    FakeWorker &worker = workers_.at(number);
    if (worker.running == 0) {
      claim_next(number, worker);
      return;
    }
    FakeTask &task = tasks_.at(worker.running);
    if (worker.waiting) {
      if (tasks_.at(task.child).settled) {
        worker.waiting = false;
        worker.messages.push_back({Message::Kind::kUnblocked, 0});
      }
    } else if (task.depth > 0 && task.child == 0) {
      task.child = ++last_task_;
      tasks_[task.child] = {task.job, task.home, task.depth - 1};
      worker.waiting = true;
      worker.messages.push_back({Message::Kind::kSubmit, task.child});
      worker.messages.push_back({Message::Kind::kBlocked, 0});
    } else {
      task.runs_finished += task.settled ? 0 : 1;
      task.settled = true;
      worker.messages.push_back({Message::Kind::kDone, worker.running});
      worker.running = 0;
    }
  }

  void claim_next(WorkerNumber number, FakeWorker &worker) {
    if (worker.ring.empty()) {
      return;
    }
    FakeTask &task = tasks_.at(worker.ring.front());
    if (task.claim == Claim::kOffered && task.claimant == number) {
      task.claim = Claim::kRunning;
      worker.running = worker.ring.front();
    }
    worker.ring.pop_front();
  }

  void deliver_one(WorkerNumber number) {
    if (number == 0 || workers_.at(number).messages.empty()) {
      return;
    }
    FakeWorker &worker = workers_.at(number);
    const Message message = worker.messages.front();
    worker.messages.pop_front();
    switch (message.kind) {
      case Message::Kind::kSubmit:
        hand_in(message.task, {});
        break;
      case Message::Kind::kBlocked:
        worker.known_blocked = true;
        scheduler_.worker_blocked(number);
        break;
      case Message::Kind::kUnblocked:
        worker.known_blocked = false;
        scheduler_.worker_unblocked(number);
        break;
      case Message::Kind::kDone:
        worker.given.erase(message.task);
        finish(message.task);
        break;
    }
  }

  void finish(TaskNumber task) {
    scheduler_.task_finished(task);
    if (tasks_.at(task).ended == 0) {
      ++finished_;
      end(task, false);
    }
  }

  void kill(WorkerNumber number) {
    if (number == 0) return;
    while (!workers_.at(number).messages.empty()) {
      deliver_one(number);
    }
    workers_.erase(number);
    const std::vector<TaskNumber> orphans = scheduler_.worker_died(number);
    seen_.deaths_with_tasks += orphans.empty() ? 0 : 1;
    for (auto orphan = orphans.rbegin(); orphan != orphans.rend(); ++orphan) {
      FakeTask &task = tasks_.at(*orphan);
      if (task.ended != 0) {
        continue;  // failed together with one judged before
      }
      if (task.settled) {
        finish(*orphan);
        continue;
      }
      const bool ran = task.claim == Claim::kRunning;
      task.claim = Claim::kIdle;
      task.child = ran ? 0 : task.child;
      if (!scheduler_.requeue(*orphan, ran)) {
        end(*orphan, true);
      }
    }
  }

  bool take_back(TaskNumber number, WorkerNumber worker) {
    FakeTask &task = tasks_.at(number);
    const bool success = task.claim == Claim::kOffered && task.claimant == worker;
    if (success) {
      task.claim = Claim::kIdle;
      workers_.at(worker).given.erase(number);
    }
    ++(success ? seen_.take_backs_won : seen_.take_backs_lost);
    return success;
  }

  void cancel(TaskNumber number) {
    const auto found = tasks_.find(number);
    if (found == tasks_.end() || found->second.ended != 0 || found->second.settled) {
      return;
    }
    const std::optional<WorkerNumber> worker = scheduler_.worker_of(number);
    // A running one goes on; a child that the raylet has not heard of cannot be cancelled.
    if ((worker && !take_back(number, *worker)) || !known(number)) {
      return;
    }
    scheduler_.task_removed(number);
    end(number, true);
  }

  bool known(TaskNumber task) const {
    return std::none_of(workers_.begin(), workers_.end(),
                        [&](const auto &worker) { return worker.second.will_submit(task); });
  }

  void end_job(JobNumber job) {
    for (const TaskNumber task : scheduler_.job_ended(job)) {
      if (tasks_.at(task).ended == 0) {
        end(task, true);
      }
    }
  }

  // Its workers go on; those that it was forking never come.
  void remove_template(TemplateNumber home) {
    templates_.erase(home);
    for (const TaskNumber task : scheduler_.template_removed(home)) {
      if (tasks_.at(task).ended == 0) {
        end(task, true);
      }
    }
    starting_.erase(std::remove(starting_.begin(), starting_.end(), home), starting_.end());
  }

  void start_one(bool chaos) {
    if (starting_.empty()) {
      return;
    }
    const TemplateNumber home = starting_.front();
    starting_.pop_front();
    if (chaos && roll(5) == 0) {
      scheduler_.worker_start_failed(home);
      return;
    }
    const WorkerNumber number = ++last_worker_;
    workers_[number].home = home;
    REQUIRE(scheduler_.worker_started(number, home));
    seen_.workers_max = std::max(seen_.workers_max, workers_.size());
  }

  void answer_one() {
    if (questions_.empty()) return;
    const Decision question = questions_.front();
    questions_.pop_front();
    if (workers_.count(question.worker) != 0) {
      scheduler_.taken_back(question.task, question.worker, take_back(question.task, question.worker));
    }
  }

  void decide() {
    scheduler_.decide(decisions_);
    for (const Decision &decision : std::vector<Decision>(decisions_)) {
      apply(decision);
    }
    const SchedulerFigures figures = scheduler_.figures();
    const bool work_and_slots = figures.ready > 0 && figures.workers_busy < limits_.slots_count;
    if (work_and_slots && decisions_.empty() && questions_.empty() && starting_.empty()) {
      FAIL("ready tasks, a free slot, and nothing under way");
    }
    CHECK_MESSAGE(figures.workers_starting == starting_.size(), "starting credits");
  }

  void apply(const Decision &decision) {
    switch (decision.kind) {
      case Kind::kOffer:
        offer(decision);
        break;
      case Kind::kTakeBack:
        REQUIRE(workers_.count(decision.worker) == 1);
        questions_.push_back(decision);
        if (roll(2) == 0) {
          while (!questions_.empty()) {
            answer_one();
          }
        }
        break;
      case Kind::kStartWorkers:
        starting_.insert(starting_.end(), decision.count, decision.template_number);
        break;
      case Kind::kStopWorker:
        REQUIRE(workers_.at(decision.worker).given.empty());
        kill(decision.worker);
        break;
      case Kind::kGiveUp:
        REQUIRE(templates_.count(tasks_.at(decision.task).home) == 0);
        ++seen_.given_up;
        end(decision.task, true);
        break;
    }
  }

  void offer(const Decision &decision) {
    FakeWorker &worker = workers_.at(decision.worker);
    FakeTask &task = tasks_.at(decision.task);
    REQUIRE(worker.home == task.home);
    REQUIRE_FALSE(worker.known_blocked);
    REQUIRE(task.claim != Claim::kOffered);
    REQUIRE(task.ended == 0);
    if (worker.given.empty()) {
      seen_.busy_max = std::max(seen_.busy_max, busy() + 1);
    }
    worker.given.insert(decision.task);
    REQUIRE(worker.given.size() <= limits_.offers_per_worker_max);
    task.claim = Claim::kOffered;
    task.claimant = decision.worker;
    worker.ring.push_back(decision.task);
  }

  std::size_t busy() const {
    std::size_t count = 0;
    for (const auto &[number, worker] : workers_) {
      count += !worker.known_blocked && !worker.given.empty() ? 1U : 0U;
    }
    return count;
  }

  Scheduler scheduler_;
  SchedulerLimits limits_;
  std::mt19937_64 random_;
  std::map<TaskNumber, FakeTask> tasks_;
  std::map<WorkerNumber, FakeWorker> workers_;
  std::set<TemplateNumber> templates_;
  std::deque<Decision> questions_;
  std::deque<TemplateNumber> starting_;
  std::vector<Decision> decisions_;
  TaskNumber last_task_ = 0;
  WorkerNumber last_worker_ = 0;
  std::size_t ended_ = 0;
  std::uint64_t finished_ = 0;
  WorldFigures seen_;
};

}  // namespace mobula::tasks::testing
