// base/spin.h: looking a bounded number of times before a sleep, and only while that pays.
//   Threads    any; they learn together
//   Cost       a failed round is about as dear as the wake-up that it wanted to save; after a few of them rounds get
//              short, and one in sixteen asks whether that still is right. MOBULA_SPINS=0 switches it off
#pragma once

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/clock.h"

namespace mobula::base {

inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Spin {
 public:
  // At most `looks_max` looks a round. On one processor, where spinning keeps the awaited one from running, it is 1.
  explicit Spin(std::uint32_t looks_max)
      : looks_max_(sysconf(_SC_NPROCESSORS_ONLN) > 1 ? std::min(looks_max, allowed()) : 1), looks_(looks_max_) {}

  // True as soon as ready() is; false when it is time to sleep. A look that is `cost` times as dear as usual is taken
  // less often.
  template <typename Ready>
  bool until(Ready ready, std::uint32_t cost = 1) {
    if (ready()) return true;
    std::int64_t started_ns = 0;
    for (std::uint32_t left = next_round() / cost; left > 1; --left) {
      if (left % kLooksPerYield != 0)
        pause();
      else if (!yield(&started_ns))
        break;
      if (!ready()) continue;
      looks_.store(looks_max_, std::memory_order_relaxed);
      return true;
    }
    const std::uint32_t fewer = std::max(looks_.load(std::memory_order_relaxed) / 2, kLooksMin);
    looks_.store(std::min(fewer, looks_max_), std::memory_order_relaxed);
    return false;
  }

 private:
  static constexpr std::uint32_t kLooksMin = 4;
  static constexpr std::uint32_t kRoundsPerProbe = 16;
  static constexpr std::int64_t kRoundNsMax = 200'000;  // some wake-ups; the caller has deadlines and sockets besides
  static constexpr std::uint32_t kLooksPerYield = 16;   // what is awaited may have to run on this very processor

  // False: whoever wanted the processor has had it for so long that the round is over.
  static bool yield(std::int64_t *started_ns) {
    const std::int64_t now_ns = monotonic_ns();
    if (*started_ns == 0) *started_ns = now_ns;
    if (now_ns - *started_ns > kRoundNsMax) return false;
    sched_yield();
    return true;
  }
  // MOBULA_SPINS, the most looks that the user allows.
  static std::uint32_t allowed() {
    std::uint32_t looks = ~0u;
    if (const char *text = std::getenv("MOBULA_SPINS"); text != nullptr) {
      const std::string_view digits(text);
      std::from_chars(digits.data(), digits.data() + digits.size(), looks);
    }
    return looks;
  }
  std::uint32_t next_round() {
    const bool probes = rounds_.fetch_add(1, std::memory_order_relaxed) % kRoundsPerProbe == 0;
    return probes ? looks_max_ : looks_.load(std::memory_order_relaxed);
  }

  const std::uint32_t looks_max_;
  std::atomic<std::uint32_t> looks_;
  std::atomic<std::uint32_t> rounds_{0};
};

}  // namespace mobula::base
