// tools/strike_plan.h: when a chaos run kills or stops which process. Pure.
//   Threads    plain values
//   Cost       O(1) a strike
// The instants of each kind, and the numbers that choose among the processes that are there then, follow from the seed
// alone, and a kind's do not change with the rates of the others. So a run can be repeated as far as the program does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>

namespace mobula::tools {

enum class StrikeKind : std::uint32_t { kKillWorker = 0, kKillDriver = 1, kStopWorker = 2 };
constexpr std::size_t kStrikeKinds = 3;
constexpr std::int64_t kPauseMsMax = 1000;

struct StrikeRates {
  double per_second[kStrikeKinds] = {};
};

struct Strike {
  StrikeKind kind = StrikeKind::kKillWorker;
  std::int64_t at_ns = 0;     // from the run's start
  std::uint64_t choice = 0;   // the victim is number choice % count of those that could be struck, by pid
  std::int64_t pause_ms = 0;  // of kStopWorker: how long it stays stopped
};

class StrikePlan {
 public:
  StrikePlan(const StrikeRates &rates, std::uint64_t seed);
  // The next one, and moves on. Nothing when all rates are 0.
  std::optional<Strike> take();
  // When that one is.
  std::optional<std::int64_t> next_at_ns() const;

 private:
  struct Line {
    double per_second = 0;
    std::mt19937_64 random;
    Strike next;
  };
  void advance(Line &line);
  const Line *earliest() const;

  Line lines_[kStrikeKinds];
};

}  // namespace mobula::tools
