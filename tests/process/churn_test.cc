// The store kept at 90 % by objects of random sizes that come and go: every put finds room, and all of it comes back.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "process/session_case.h"

using namespace mobula::process;

namespace {

constexpr std::size_t kStoreBytes = 128u << 20;
constexpr double kLargestBytes = kStoreBytes / 1000.0;  // what waits at 90 % with larger ones: docs/limits.md

class Objects {
 public:
  explicit Objects(std::uint64_t seed) : random_(seed) {}

  void churn(std::size_t turnover) {
    for (std::size_t put_bytes = 0; put_bytes < turnover * kStoreBytes;) {
      const std::size_t bytes = next_bytes();
      while (held_bytes_ + rounded(bytes) > kStoreBytes / 10 * 9) drop_any();
      const auto start = Clock::now();
      held_.push_back({ray::Put(text_of(bytes)), bytes});
      slowest_ms_ = std::max(slowest_ms_, milliseconds_since(start));
      held_bytes_ += rounded(bytes);
      put_bytes += rounded(bytes);
    }
  }
  bool are_intact() const {
    return std::all_of(held_.begin(), held_.end(),
                       [this](const Held &one) { return *one.reference.Get() == text_of(one.bytes); });
  }
  double slowest_ms() const { return slowest_ms_; }
  std::size_t held_bytes() const { return held_bytes_; }
  void drop_all() { held_.clear(); }

 private:
  struct Held {
    ray::ObjectRef<std::string> reference;
    std::size_t bytes;
  };

  static std::string text_of(std::size_t bytes) { return std::string(bytes, static_cast<char>('a' + bytes % 26)); }
  // What its block takes: steps of a quarter doubling, whole pages from one page on.
  static std::size_t rounded(std::size_t bytes) {
    std::size_t step_bytes = 64;
    while (8 * step_bytes < bytes) step_bytes *= 2;
    if (bytes > 4096) step_bytes = std::max<std::size_t>(step_bytes, 4096);
    return std::max<std::size_t>((bytes + step_bytes - 1) / step_bytes * step_bytes, 256);
  }

  std::size_t next_bytes() {
    const double unit = std::uniform_real_distribution<double>()(random_);
    const double bytes =
        random_() % 2 == 0 ? 64 + unit * (kLargestBytes - 64) : 64 * std::pow(kLargestBytes / 64, unit);
    return static_cast<std::size_t>(bytes);
  }
  void drop_any() {
    std::swap(held_[random_() % held_.size()], held_.back());
    held_bytes_ -= rounded(held_.back().bytes);
    held_.pop_back();
  }

  std::mt19937_64 random_;
  std::vector<Held> held_;
  std::size_t held_bytes_ = 0;
  double slowest_ms_ = 0;
};

}  // namespace

TEST_SUITE("process/churn") {
  TEST_CASE("a store kept at 90 % by objects of random sizes serves every put, and all of it is free in the end") {
    CHECK(in_session(small_session(120'000, {{"MOBULA_MEMORY", "128MiB"}, {"MOBULA_PUT_TIMEOUT_MS", "5000"}}), [] {
      Objects objects(11);
      objects.churn(100);
      CHECK(objects.slowest_ms() < 5'000);
      CHECK(objects.are_intact());
      CHECK(number_after(status_of(own_session()), "used_bytes") <= kStoreBytes);
      objects.drop_all();
      CHECK(ray::Put(std::string(kStoreBytes, 'w')).Get()->size() == kStoreBytes);
      CHECK(number_after(status_of(own_session()), "used_bytes") == 0);
    }));
  }
}
