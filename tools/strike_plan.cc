#include "tools/strike_plan.h"

#include <cmath>

#include "base/clock.h"

namespace mobula::tools {
namespace {

constexpr std::uint64_t kSeedStep = 0x9e3779b97f4a7c15ull;  // 2^64 / golden ratio: streams that begin far apart

// In (0, 1]; the standard's distributions may differ between libraries.
double unit_of(std::uint64_t number) { return (static_cast<double>(number >> 11) + 1) * 0x1.0p-53; }

}  // namespace

StrikePlan::StrikePlan(const StrikeRates &rates, std::uint64_t seed) {
  for (std::size_t i = 0; i < kStrikeKinds; ++i) {
    Line &line = lines_[i];
    line.per_second = rates.per_second[i];
    line.random.seed(seed + (i + 1) * kSeedStep);
    line.next.kind = static_cast<StrikeKind>(i);
    if (line.per_second > 0) advance(line);
  }
}

// Gaps without memory: any instant is as likely as any other.
void StrikePlan::advance(Line &line) {
  const double gap_seconds = -std::log(unit_of(line.random())) / line.per_second;
  line.next.at_ns += static_cast<std::int64_t>(gap_seconds * static_cast<double>(base::kNanosecondsPerSecond)) + 1;
  line.next.choice = line.random();
  line.next.pause_ms = 1 + static_cast<std::int64_t>(line.random() % kPauseMsMax);
}

const StrikePlan::Line *StrikePlan::earliest() const {
  const Line *found = nullptr;
  for (const Line &line : lines_) {
    if (line.per_second > 0 && (found == nullptr || line.next.at_ns < found->next.at_ns)) found = &line;
  }
  return found;
}

std::optional<std::int64_t> StrikePlan::next_at_ns() const {
  const Line *const line = earliest();
  return line == nullptr ? std::nullopt : std::optional(line->next.at_ns);
}

std::optional<Strike> StrikePlan::take() {
  const Line *const line = earliest();
  if (line == nullptr) return std::nullopt;
  const Strike strike = line->next;
  advance(lines_[static_cast<std::size_t>(strike.kind)]);
  return strike;
}

}  // namespace mobula::tools
