// base/saturation.h: counters that stop in their upper half instead of wrapping (docs/reference-rules.md, rule 40).
//   Layout     32 bits: exact below kCountTop, saturated from there on. A saturated one never comes down
//   Threads    lock-free. While it is saturated, as many threads may add at the same time as kCountRoom says
//   Cost       up: one locked add, and a compare of its result; down: one compare-and-swap
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/limits.h"

namespace mobula::base {

constexpr std::uint32_t kCountSaturated = kCountTop + kCountTop / 2;  // where each further add puts it back
constexpr std::uint32_t kCountRoom = kCountTop - kCountTop / 2;       // adds under way, from there to the wrap
constexpr bool is_saturated(std::uint32_t count) { return count >= kCountTop; }

// Returns what it was before. Ordering: that of the add is the caller's.
inline std::uint32_t count_up(Atomic<std::uint32_t> &count, std::memory_order order) noexcept {
  const std::uint32_t before = count.fetch_add(1, order);
  // relaxed: all values of the upper half mean the same.
  if (is_saturated(before)) [[unlikely]]
    count.store(kCountSaturated, std::memory_order_relaxed);
  return before;
}

// Returns what it was before; a saturated one stays as it is. REQUIRES: it is not 0.
inline std::uint32_t count_down(Atomic<std::uint32_t> &count, std::memory_order order) noexcept {
  std::uint32_t before = count.load(std::memory_order_relaxed);
  while (!is_saturated(before) && !count.compare_exchange_weak(before, before - 1, order, std::memory_order_relaxed)) {
  }
  return before;
}

// In one step, for a count of which only "not 0" matters: near its top it may be one too high from now on.
inline void count_out(Atomic<std::uint32_t> &count, std::memory_order order) noexcept {
  if (is_saturated(count.fetch_sub(1, order))) [[unlikely]]
    count.store(kCountSaturated, std::memory_order_relaxed);
}

}  // namespace mobula::base
