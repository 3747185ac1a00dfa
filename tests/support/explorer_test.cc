// What the explorer cuts short differs from nothing: small random programs have the same results with and without cuts.
#include "support/explorer.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <random>
#include <set>
#include <vector>

namespace mobula::support {
namespace {

constexpr std::uint32_t kWords = 2;
constexpr std::uint32_t kOperations = 3;  // of a thread
constexpr std::uint32_t kThreads = 2;

struct Action {
  std::uint32_t kind = 0;
  std::uint32_t word = 0;
  std::memory_order order = std::memory_order_relaxed;
};

struct Program {
  std::array<std::vector<Action>, kThreads> threads;
};

// What each operation of each thread saw, and the last values.
using Results = std::vector<std::uint32_t>;

Program random_program(std::mt19937 &random) {
  constexpr std::memory_order kLoads[] = {std::memory_order_relaxed, std::memory_order_acquire,
                                          std::memory_order_seq_cst};
  constexpr std::memory_order kStores[] = {std::memory_order_relaxed, std::memory_order_release,
                                           std::memory_order_seq_cst};
  Program program;
  for (auto &thread : program.threads) {
    for (std::uint32_t i = 0; i < kOperations; ++i) {
      Action action;
      action.kind = static_cast<std::uint32_t>(random() % 6);
      action.word = static_cast<std::uint32_t>(random() % kWords);
      action.order = (action.kind == 0 ? kLoads : kStores)[random() % 3];
      thread.push_back(action);
    }
  }
  return program;
}

class Machine {
 public:
  std::set<Results> results_of(const Program &program, bool cuts_equals, std::uint64_t *executions) {
    std::set<Results> all;
    ExplorerLimits limits;
    limits.cuts_equals = cuts_equals;
    const Exploration exploration = explore(
        [&](Scenario &scenario) {
          for (auto &word : words_) word.store(0);
          for (auto &word : alone_) word.store(0);
          mutex_.emplace();
          for (std::uint32_t i = 0; i < kThreads; ++i) {
            seen_[i].clear();
            scenario.thread("thread", [this, i, &program] { run(program.threads[i], i); });
          }
          scenario.at_end([&] {
            all.insert(gather());
            return "";
          });
        },
        limits);
    CHECK_MESSAGE(exploration.failure.empty(), exploration.failure);
    *executions += exploration.executions;
    return all;
  }

 private:
  void run(const std::vector<Action> &actions, std::uint32_t thread) {
    for (std::uint32_t i = 0; i < actions.size(); ++i) {
      seen_[thread].push_back(act(actions[i], 10 * (thread + 1) + i));
    }
    alone_[thread].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint32_t act(const Action &action, std::uint32_t value) {
    ScheduledAtomic<std::uint32_t> &word = words_[action.word];
    std::uint32_t seen = 0;
    switch (action.kind) {
      case 0:
        return word.load(action.order);
      case 1:
        word.store(value, action.order);
        return 0;
      case 2:
        return word.fetch_add(value, action.order);
      case 3:
        word.compare_exchange_strong(seen, value, action.order, std::memory_order_relaxed);
        return seen;
      case 4:
        scheduled_fence(std::memory_order_seq_cst);
        return 0;
      default: {
        mutex_->lock();
        const std::uint32_t both =
            words_[0].load(std::memory_order_relaxed) + words_[1].load(std::memory_order_relaxed);
        mutex_->unlock();
        return both;
      }
    }
  }
  Results gather() const {
    Results results;
    for (const auto &word : words_) results.push_back(word.load());
    for (const auto &seen : seen_) results.insert(results.end(), seen.begin(), seen.end());
    return results;
  }

  std::array<ScheduledAtomic<std::uint32_t>, kWords> words_;
  std::array<ScheduledAtomic<std::uint32_t>, kThreads> alone_;
  std::array<Results, kThreads> seen_;
  std::optional<ScheduledMutex> mutex_;
};

TEST_SUITE("support/explorer") {
  TEST_CASE("random programs have the same results with cuts and without") {
    std::mt19937 random(11);
    Machine machine;
    std::uint64_t with_cuts = 0;
    std::uint64_t without = 0;
    std::size_t results = 0;
    for (std::uint32_t i = 0; i < 50; ++i) {
      const Program program = random_program(random);
      const std::set<Results> all = machine.results_of(program, false, &without);
      CHECK(machine.results_of(program, true, &with_cuts) == all);
      results += all.size();
    }
    MESSAGE(results << " results by " << with_cuts << " executions, without cuts by " << without);
    CHECK(with_cuts >= results);
    CHECK(with_cuts * 4 < without);
  }
}

}  // namespace
}  // namespace mobula::support
