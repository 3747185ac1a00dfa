// Objects of random sizes and lifetimes for a long time in a region that is 90 % full: how fragmented does it get?
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "objects/blocks.h"

namespace mobula::objects {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kCapacityBytes = 32 * kMiB;
constexpr double kFull = 0.9;
constexpr double kSmallestPayload = 64;

enum class Sizes { kUniform, kLogUniform, kMixed, kPhases };

// Sizes from 64 bytes to the largest. kPhases: small ones for twice the capacity, then large ones for as much.
class PayloadSizes {
 public:
  PayloadSizes(Sizes sizes, double largest_bytes, std::uint64_t seed)
      : sizes_(sizes), largest_bytes_(largest_bytes), random_(seed) {}

  std::uint64_t next(std::uint64_t allocated_bytes) {
    if (sizes_ == Sizes::kPhases) {
      const bool is_small = allocated_bytes / (2 * kCapacityBytes) % 2 == 0;
      return is_small ? log_uniform(16 * kKiB) : uniform(64 * kKiB, largest_bytes_);
    }
    const bool is_uniform = sizes_ == Sizes::kUniform || (sizes_ == Sizes::kMixed && random_() % 2 == 0);
    return is_uniform ? uniform(kSmallestPayload, largest_bytes_) : log_uniform(largest_bytes_);
  }
  std::size_t pick(std::size_t count) { return random_() % count; }

 private:
  double unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  std::uint64_t uniform(double low, double high) { return static_cast<std::uint64_t>(low + unit() * (high - low)); }
  std::uint64_t log_uniform(double high) {
    return static_cast<std::uint64_t>(kSmallestPayload * std::pow(high / kSmallestPayload, unit()));
  }

  Sizes sizes_;
  double largest_bytes_;
  std::mt19937_64 random_;
};

struct Findings {
  double largest_free_part = 1;  // smallest seen: largest free extent, of the free bytes
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;         // though the free bytes would have been enough
  double smallest_refused_part = 1;  // of the free bytes
};

class Churn {
 public:
  Churn(Sizes sizes, double largest_part, std::uint64_t seed)
      : blocks_(kCapacityBytes), payloads_(sizes, largest_part * kCapacityBytes, seed) {}

  Findings run(std::uint64_t turnover) {
    while (allocated_bytes_ < turnover * kCapacityBytes) step();
    return findings_;
  }

  // How much is in one piece when everything is given back.
  std::uint64_t drop_all() {
    while (!live_.empty()) drop_any();
    return blocks_.largest_free_bytes();
  }

 private:
  std::uint64_t free_bytes() const { return kCapacityBytes - blocks_.used_bytes(); }

  void drop_any() {
    std::swap(live_[payloads_.pick(live_.size())], live_.back());
    if (!blocks_.release(live_.back().offset)) FAIL("a block in use was not taken back");
    live_.pop_back();
  }

  void step() {
    const std::uint64_t bytes = payloads_.next(allocated_bytes_);
    const std::uint64_t needed_bytes = block_bytes(std::max(class_of(bytes), SizeClass{1}));
    while (static_cast<double>(blocks_.used_bytes() + needed_bytes) > kFull * kCapacityBytes) {
      is_full_ = true;
      drop_any();
    }
    std::optional<Block> block = blocks_.allocate_for(bytes);
    findings_.requests += is_full_ ? 1 : 0;
    if (!block) note_refused(bytes);
    for (; !block; block = blocks_.allocate_for(bytes)) drop_any();
    live_.push_back(*block);
    allocated_bytes_ += block->bytes;
    if (is_full_ && findings_.requests % 8 == 0) note_largest_free();
  }

  void note_refused(std::uint64_t bytes) {
    ++findings_.refused;
    const double part = static_cast<double>(bytes) / static_cast<double>(free_bytes());
    findings_.smallest_refused_part = std::min(findings_.smallest_refused_part, part);
  }

  void note_largest_free() {
    const double part = static_cast<double>(blocks_.extents().largest_free_bytes()) / static_cast<double>(free_bytes());
    findings_.largest_free_part = std::min(findings_.largest_free_part, part);
  }

  Blocks blocks_;
  PayloadSizes payloads_;
  std::vector<Block> live_;
  std::uint64_t allocated_bytes_ = 0;
  bool is_full_ = false;  // the region was filled once
  Findings findings_;
};

// What docs/limits.md states.
struct Bound {
  double largest_free_part_min;  // of the free bytes
  double refused_part_max;       // of the requests
};

void check_bound(const Bound &bound, Sizes sizes, double largest_part, std::uint64_t turnover) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    Churn churn(sizes, largest_part, seed);
    const Findings found = churn.run(turnover);
    const double refused_part = static_cast<double>(found.refused) / static_cast<double>(found.requests);
    CAPTURE(seed);
    CAPTURE(found.requests);
    CAPTURE(found.smallest_refused_part);
    CHECK(found.largest_free_part >= bound.largest_free_part_min);
    CHECK(refused_part <= bound.refused_part_max);
    CHECK(churn.drop_all() == kCapacityBytes);
  }
}

constexpr std::uint64_t kTurnover = 1000;  // times the capacity

TEST_SUITE("objects/churn") {
  TEST_CASE("requests of up to 1/400 of a region that is 90 % full practically always find room") {
    constexpr Bound kBound{0.005, 0.0005};
    check_bound(kBound, Sizes::kUniform, 1.0 / 400, kTurnover);
    check_bound(kBound, Sizes::kMixed, 1.0 / 400, kTurnover / 3);
    check_bound(kBound, Sizes::kLogUniform, 1.0 / 400, kTurnover / 3);
  }

  TEST_CASE("of requests of up to 1/100 of a region that is 90 % full 94 % find room at once") {
    constexpr Bound kBound{0.015, 0.06};
    check_bound(kBound, Sizes::kUniform, 1.0 / 100, kTurnover);
    check_bound(kBound, Sizes::kMixed, 1.0 / 100, kTurnover);
    check_bound(kBound, Sizes::kLogUniform, 1.0 / 100, kTurnover);
  }

  TEST_CASE("of requests of up to 1/25 of a region that is 90 % full 82 % find room at once") {
    constexpr Bound kBound{0.035, 0.18};
    check_bound(kBound, Sizes::kUniform, 1.0 / 25, kTurnover);
    check_bound(kBound, Sizes::kMixed, 1.0 / 25, kTurnover);
    check_bound(kBound, Sizes::kLogUniform, 1.0 / 25, kTurnover);
  }

  TEST_CASE("when phases of small and of large requests take turns, 99 % find room at once") {
    constexpr Bound kBound{0.003, 0.01};
    check_bound(kBound, Sizes::kPhases, 1.0 / 100, kTurnover / 10);
    check_bound(kBound, Sizes::kPhases, 1.0 / 25, kTurnover / 10);
  }
}

}  // namespace
}  // namespace mobula::objects
