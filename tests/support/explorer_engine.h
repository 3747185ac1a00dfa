// support/explorer_engine.h: the explorer's inside: coroutines, choices, sleep sets, traces.
//   Threads    one explorer at a time, in one thread
#pragma once

#include <ucontext.h>

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "support/explorer.h"

namespace mobula::support {

using ThreadSet = std::uint8_t;  // one bit a thread

// One decision of an execution: whose turn it is, or how an operation goes.
struct Choice {
  bool is_turn = false;
  std::uint16_t picked = 0;
  std::uint16_t count = 0;  // of ways; when it is no turn
  ThreadSet enabled = 0;
  ThreadSet asleep = 0;  // threads whose turn here was seen elsewhere
  ThreadSet done = 0;    // threads whose turn here was seen before
};

class Explorer {
 public:
  Explorer(const std::function<void(Scenario &)> &prepare, const ExplorerLimits &limits);
  ~Explorer();
  Exploration run();
  Exploration run_schedule(const std::string &schedule);

  // On a thread of the scenario.
  OperationResult perform(const Operation &operation);
  void fail(const std::string &what);
  void touch_cell(const void *cell, bool is_write);

 private:
  struct Thread {
    std::function<void()> body;
    Operation pending;
    std::uint32_t location = 0;
    std::uint32_t spurious = 0;
    bool has_ended = false;
    bool is_waiting = false;  // for its turn, with `pending`
    ucontext_t context{};
    std::unique_ptr<char[]> stack;
  };
  struct Step {
    std::uint32_t thread = 0;
    Operation operation;
    std::uint32_t location = 0;
    OperationResult result;
    std::uint16_t way = 0;
    std::uint16_t ways = 1;
  };
  enum class End { kComplete, kCut, kFailed };

  static void start_thread();
  End run_once();
  void begin_execution();
  End take_turns();
  void resume(std::uint32_t thread);
  void give_way();
  void decide_turn();
  void wait_for_turn();
  void note_pending(std::uint32_t thread, const Operation &operation);
  bool needs_turn(const Operation &operation) const;
  bool is_shared(const void *address) const { return shared_.count(address) != 0; }
  bool is_watched(const void *address) const;
  bool is_dependent(const Thread &one, const Thread &other) const;
  // kThreadsMax: no thread is left whose turn would be new.
  std::uint32_t choose_turn(ThreadSet enabled);
  std::uint16_t choose_way(std::uint16_t count);
  bool next_choices();
  bool learn_shared();
  void check_step();
  std::string trace() const;
  std::string line_of(const Step &step) const;
  std::string name_of(std::uint32_t location) const;
  Exploration result() const;

  const std::function<void(Scenario &)> &prepare_;
  const ExplorerLimits limits_;
  MemoryModel memory_;
  Scenario scenario_;
  std::vector<Thread> threads_;
  ucontext_t main_context_{};
  std::uint32_t running_ = 0;
  bool has_started_ = false;  // every thread is at its first operation
  bool is_decided_ = false;   // next_ and end_ say how it goes on
  std::uint32_t next_ = 0;
  std::optional<End> end_;
  ThreadSet sleeping_ = 0;  // of the state that the execution is in
  std::vector<Choice> choices_;
  std::size_t depth_ = 0;
  std::vector<Outcome> ways_;
  std::array<ThreadSet, kLocationsMax> touched_{};
  std::array<bool, kLocationsMax> is_written_{};
  std::set<const void *> shared_;  // what two threads touch and one writes in some execution
  std::vector<Step> steps_;
  std::vector<std::pair<std::uint32_t, std::uint16_t>>
      schedule_;  // of a replay: thread and way, operation by operation
  bool is_replay_ = false;
  std::string failure_;
  std::uint64_t executions_ = 0;
  std::uint64_t cut_ = 0;
};

}  // namespace mobula::support
