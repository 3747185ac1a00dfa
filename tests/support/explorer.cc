#include "support/explorer.h"

#include <bit>
#include <cstdlib>
#include <stdexcept>

#include "support/explorer_engine.h"

namespace mobula::support {
namespace {

constexpr std::size_t kStackBytes = 64 << 10;

Explorer *current = nullptr;
bool on_thread = false;

bool is_write(const Operation &operation) {
  return operation.kind != OperationKind::kLoad && operation.kind != OperationKind::kSleep;
}

bool is_seq_cst(const Operation &operation) {
  return operation.order == std::memory_order_seq_cst || operation.failure_order == std::memory_order_seq_cst;
}

bool is_seq_cst_fence(const Operation &operation) {
  return operation.kind == OperationKind::kFence && operation.order == std::memory_order_seq_cst;
}

ThreadSet bit_of(std::uint32_t thread) { return static_cast<ThreadSet>(1u << thread); }

}  // namespace

bool is_scheduled() noexcept { return on_thread; }
OperationResult perform(const Operation &operation) noexcept { return current->perform(operation); }
void expect(bool condition, const char *sentence) {
  if (!condition) current->fail(sentence);
}
void Cell::touch(bool is_write) const { current->touch_cell(this, is_write); }

Exploration explore(const std::function<void(Scenario &)> &prepare, const ExplorerLimits &limits) {
  Explorer explorer(prepare, limits);
  const char *const schedule = std::getenv("MOBULA_SCHEDULE");
  return schedule != nullptr ? explorer.run_schedule(schedule) : explorer.run();
}

Exploration replay(const std::function<void(Scenario &)> &prepare, const std::string &schedule) {
  Explorer explorer(prepare, {});
  return explorer.run_schedule(schedule);
}

Explorer::Explorer(const std::function<void(Scenario &)> &prepare, const ExplorerLimits &limits)
    : prepare_(prepare), limits_(limits) {
  if (current != nullptr) throw std::logic_error("one explorer at a time");
  current = this;
}

Explorer::~Explorer() { current = nullptr; }

Exploration Explorer::run() {
  for (;;) {
    const End end = run_once();
    if (end == End::kFailed) return result();
    ++(end == End::kComplete ? executions_ : cut_);
    if (learn_shared()) {  // there are more turns to choose than was known: from the start
      choices_.clear();
      executions_ = cut_ = 0;
      if (shared_.size() <= kLocationsMax) continue;
      failure_ = "atomics move from one execution to the next";
      return result();
    }
    if (!next_choices()) return result();
    if (executions_ + cut_ >= limits_.executions_max) {
      failure_ = "more executions than " + std::to_string(limits_.executions_max) + ": make the scenario smaller";
      return result();
    }
  }
}

Explorer::End Explorer::run_once() {
  begin_execution();
  End end = take_turns();
  if (end == End::kComplete && scenario_.end_check_) {
    if (const std::string wrong = scenario_.end_check_(); !wrong.empty()) fail("at the end: " + wrong);
  }
  return failure_.empty() ? end : End::kFailed;
}

void Explorer::begin_execution() {
  memory_.reset();
  scenario_ = {};
  prepare_(scenario_);
  if (scenario_.threads_.size() > kThreadsMax) throw std::logic_error("a scenario with too many threads");
  threads_.resize(scenario_.threads_.size());
  depth_ = 0;
  sleeping_ = 0;
  steps_.clear();
  touched_.fill(0);
  is_written_.fill(false);
  for (std::uint32_t i = 0; i < threads_.size(); ++i) {
    Thread &thread = threads_[i];
    if (thread.stack == nullptr) thread.stack.reset(new char[kStackBytes]);
    thread.body = scenario_.threads_[i].second;
    thread.spurious = 0;
    thread.has_ended = thread.is_waiting = false;
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.get();
    thread.context.uc_stack.ss_size = kStackBytes;
    thread.context.uc_link = &main_context_;
    makecontext(&thread.context, &Explorer::start_thread, 0);
  }
}

void Explorer::start_thread() {
  Explorer &explorer = *current;
  Thread &self = explorer.threads_[explorer.running_];
  std::string thrown;
  try {
    self.body();
  } catch (const std::exception &error) {
    thrown = error.what();
  }
  if (!thrown.empty()) explorer.fail("a thread threw: " + thrown);
  self.has_ended = true;
  explorer.give_way();
}

void Explorer::resume(std::uint32_t thread) {
  running_ = thread;
  on_thread = true;
  swapcontext(&main_context_, &threads_[thread].context);
  on_thread = false;
}

void Explorer::give_way() { swapcontext(&threads_[running_].context, &main_context_); }

Explorer::End Explorer::take_turns() {
  has_started_ = is_decided_ = false;
  for (std::uint32_t i = 0; i < threads_.size(); ++i) {  // each up to its first operation that needs a turn
    resume(i);
    if (!failure_.empty()) return End::kFailed;
  }
  has_started_ = true;
  for (;;) {
    if (!is_decided_) decide_turn();
    is_decided_ = false;
    if (end_) return *end_;
    resume(next_);
    if (!failure_.empty()) return End::kFailed;
  }
}

// Sets next_, or end_.
void Explorer::decide_turn() {
  ThreadSet enabled = 0;
  bool all_ended = true;
  for (std::uint32_t i = 0; i < threads_.size(); ++i) {
    const Thread &thread = threads_[i];
    all_ended = all_ended && thread.has_ended;
    if (!thread.has_ended && memory_.is_enabled(thread.pending, thread.location)) enabled |= bit_of(i);
  }
  end_.reset();
  if (all_ended) {
    end_ = End::kComplete;
  } else if (enabled == 0) {
    failure_ = "deadlock: every thread that is left waits";
  } else {
    next_ = choose_turn(enabled);
    if (next_ == kThreadsMax) end_ = End::kCut;
  }
  if (!failure_.empty()) end_ = End::kFailed;
}

// The decision is made here, which spares two switches where the thread goes on.
void Explorer::wait_for_turn() {
  Thread &self = threads_[running_];
  self.is_waiting = true;
  if (has_started_) decide_turn();
  is_decided_ = has_started_;
  if (!has_started_ || end_ || next_ != running_) give_way();
  is_decided_ = false;
  self.is_waiting = false;
}

std::uint32_t Explorer::choose_turn(ThreadSet enabled) {
  if (is_replay_) {
    if (steps_.size() < schedule_.size()) {
      const std::uint32_t next = schedule_[steps_.size()].first;
      if (next < threads_.size() && (enabled & bit_of(next)) != 0) return next;
      failure_ = "the schedule does not fit: that thread cannot go on";
      return kThreadsMax;
    }
    return static_cast<std::uint32_t>(std::countr_zero(enabled));
  }
  if (depth_ == choices_.size()) {
    const auto fresh = static_cast<ThreadSet>(enabled & ~sleeping_);
    if (fresh == 0) return kThreadsMax;
    Choice choice;
    choice.is_turn = true;
    choice.enabled = enabled;
    choice.asleep = sleeping_;
    // The same thread goes on where it can: traces are easier to read.
    choice.picked = static_cast<std::uint16_t>((fresh & bit_of(running_)) != 0 ? running_ : std::countr_zero(fresh));
    choices_.push_back(choice);
  }
  const Choice &choice = choices_[depth_++];
  if (!choice.is_turn || choice.enabled != enabled) {
    failure_ = "the scenario does not do the same each time";
    return kThreadsMax;
  }
  const ThreadSet seen = static_cast<ThreadSet>((choice.asleep | choice.done) & ~bit_of(choice.picked));
  sleeping_ = 0;
  for (std::uint32_t i = 0; i < threads_.size(); ++i) {
    if ((seen & bit_of(i)) != 0 && !is_dependent(threads_[i], threads_[choice.picked])) sleeping_ |= bit_of(i);
  }
  return choice.picked;
}

std::uint16_t Explorer::choose_way(std::uint16_t count) {
  if (is_replay_) {
    const std::uint16_t way = steps_.size() < schedule_.size() ? schedule_[steps_.size()].second : std::uint16_t{0};
    if (way < count) return way;
    fail("the schedule does not fit: that operation cannot go that way");
  }
  if (count == 1) return 0;
  if (depth_ == choices_.size()) {
    Choice choice;
    choice.count = count;
    choices_.push_back(choice);
  }
  const Choice &choice = choices_[depth_++];
  if (choice.is_turn || choice.count != count) fail("the scenario does not do the same each time");
  return choice.picked;
}

// The next leaf of the tree. False: that was all.
bool Explorer::next_choices() {
  for (; !choices_.empty(); choices_.pop_back()) {
    Choice &choice = choices_.back();
    if (!choice.is_turn) {
      if (++choice.picked < choice.count) return true;
      continue;
    }
    choice.done |= bit_of(choice.picked);
    const auto fresh = static_cast<ThreadSet>(choice.enabled & ~choice.asleep & ~choice.done);
    if (fresh == 0) continue;
    choice.picked = static_cast<std::uint16_t>(std::countr_zero(fresh));
    return true;
  }
  return false;
}

// A location that two threads touched, and not only read, needs turns from now on. True: there is a new one.
bool Explorer::learn_shared() {
  bool any = false;
  for (std::uint32_t i = 0; i < memory_.locations_count(); ++i) {
    if (std::popcount(touched_[i]) > 1 && is_written_[i]) any |= shared_.insert(memory_.address_of(i)).second;
  }
  return any;
}

bool Explorer::is_watched(const void *address) const {
  for (const void *watched : scenario_.watched_) {
    if (watched == address) return true;
  }
  return false;
}

// No turn: what nobody else can notice. An unlock only lets others go on who could not move before.
bool Explorer::needs_turn(const Operation &operation) const {
  if (is_replay_ || !limits_.cuts_equals) return true;
  if (operation.kind == OperationKind::kUnlock) return false;
  if (operation.kind == OperationKind::kFence) return is_seq_cst_fence(operation);
  return is_shared(operation.address) || is_watched(operation.address);
}

bool Explorer::is_dependent(const Thread &one, const Thread &other) const {
  if (!limits_.cuts_equals) return true;
  const Operation &a = one.pending;
  const Operation &b = other.pending;
  if (is_seq_cst_fence(a) || is_seq_cst_fence(b)) return is_seq_cst(a) && is_seq_cst(b);
  if (a.address == b.address) return is_write(a) || is_write(b) || (is_seq_cst(a) && is_seq_cst(b));
  return is_write(a) && is_write(b) && is_watched(a.address) && is_watched(b.address);
}

void Explorer::note_pending(std::uint32_t thread, const Operation &operation) {
  Thread &self = threads_[thread];
  self.pending = operation;
  self.location = 0;
  if (operation.kind == OperationKind::kFence) return;
  self.location = memory_.location_of(operation);
  touched_[self.location] |= bit_of(thread);
  if (is_write(operation)) is_written_[self.location] = true;
}

OperationResult Explorer::perform(const Operation &operation) {
  const std::uint32_t number = running_;
  note_pending(number, operation);
  Thread &self = threads_[number];
  if (needs_turn(operation) || !memory_.is_enabled(operation, self.location)) wait_for_turn();
  if (steps_.size() == limits_.steps_max) fail("more operations than " + std::to_string(limits_.steps_max));
  memory_.outcomes(number, operation, self.location, self.spurious < limits_.spurious_max, &ways_);
  const auto ways = static_cast<std::uint16_t>(ways_.size());
  const std::uint16_t way = choose_way(ways);
  const Outcome outcome = ways_[way];
  if (outcome.kind == Outcome::Kind::kSpurious) ++self.spurious;
  const OperationResult done = memory_.perform(number, operation, self.location, outcome);
  steps_.push_back({number, operation, self.location, done, way, ways});
  check_step();
  return done;
}

void Explorer::check_step() {
  if (!scenario_.step_check_) return;
  on_thread = false;
  const std::string wrong = scenario_.step_check_();
  on_thread = true;
  if (!wrong.empty()) fail(wrong);
}

// A thread never goes on: its stack is given up.
void Explorer::fail(const std::string &what) {
  if (failure_.empty()) failure_ = what;
  if (on_thread) give_way();
}

void Explorer::touch_cell(const void *cell, bool is_write) {
  if (on_thread && !memory_.touch_cell(running_, cell, is_write)) fail("a data race: plain bytes without an order");
}

}  // namespace mobula::support
