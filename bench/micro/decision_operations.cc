// The raylet's pure parts: which task runs where, what follows a death, which objects are evicted.
#include <cstdint>
#include <random>
#include <vector>

#include "micro/operations.h"
#include "objects/eviction_policy.h"
#include "objects/reaper.h"
#include "objects/retained_order.h"
#include "tasks/scheduler.h"

namespace bench::micro {
namespace {

using mobula::tasks::Decision;
using mobula::tasks::Scheduler;

constexpr std::uint32_t kWorkers = 2;

Scheduler &scheduler() {
  static Scheduler instance([] {
    mobula::tasks::SchedulerLimits limits;
    limits.slots_count = kWorkers;
    return limits;
  }());
  return instance;
}

void prepare_dispatch() {
  static const bool started = [] {
    bool good = scheduler().template_added(1);
    for (std::uint32_t worker = 1; worker <= kWorkers; ++worker) good = good && scheduler().worker_started(worker, 1);
    return good;
  }();
  require(started, "the scheduler refuses its workers");
}

// Submitted, offered and finished, all of them in the queue at once.
void run_dispatch() {
  static std::vector<Decision> decisions;
  for (std::uint64_t task = 1; task <= kBatch; ++task) {
    require(scheduler().task_submitted(task, 1, 1, {}, 1), "the scheduler refuses a task");
  }
  for (int finished = 0; finished < kBatch;) {
    scheduler().decide(decisions);
    require(!decisions.empty(), "the scheduler offers nothing");
    for (const Decision &decision : decisions) {
      if (decision.kind != Decision::Kind::kOffer) continue;
      scheduler().task_finished(decision.task);
      ++finished;
    }
  }
}

void prepare_nothing() {}

// One death, all its steps.
void run_reap() {
  static mobula::objects::Reaper reaper;
  static std::int64_t now_ns = 0;
  for (int i = 0; i < kBatch; ++i) {
    require(reaper.died(static_cast<std::uint32_t>(i % 64 + 1), 9, ++now_ns), "a death is known already");
    while (reaper.next()) reaper.finished(++now_ns);
  }
}

// A hint, and the batch in which the entry comes up.
void run_suggest() {
  static mobula::objects::EvictionPolicy policy;
  static std::vector<std::uint32_t> batch;
  for (std::uint32_t entry = 0; entry < kBatch; ++entry) policy.suggest(entry * 3);
  while (policy.has_work()) policy.next_batch(3 * kBatch, 1024, &batch);
}

// A retained object takes its place among a hundred thousand, and the oldest of them is taken out.
void run_retained_order() {
  static std::uint64_t now_ns = 0;
  static std::uint32_t next_entry = 0;
  static mobula::objects::RetainedOrder order;
  constexpr std::uint32_t kRetained = 100'000;
  while (order.size() < kRetained) order.note(next_entry++, ++now_ns, 256);
  for (int i = 0; i < kBatch; ++i) {
    order.note(*order.pop(true), ++now_ns, 256);
  }
}

}  // namespace

std::vector<Operation> decision_operations() {
  return {{"dispatch", false, prepare_dispatch, run_dispatch},
          {"reap, decisions", false, prepare_nothing, run_reap},
          {"evict, a hint's way", false, prepare_nothing, run_suggest},
          {"evict, order of the retained", false, run_retained_order, run_retained_order}};
}

}  // namespace bench::micro
