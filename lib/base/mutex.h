// base/mutex.h: the lock among the threads of one process where an operation takes tens of nanoseconds as a whole.
//   Threads    any; not recursive, not fair
//   Process    private memory only: nothing in the segment is ever locked
//   Cost       uncontended: two atomic exchanges, inlined (std::mutex: two calls besides). Contended: some pauses, then
//              a futex. After U. Drepper, "Futexes Are Tricky" (2011), section 5, the third mutex
#pragma once

#include <atomic>
#include <cstdint>

#include "base/spin.h"

namespace mobula::base {

class PrivateMutex {
 public:
  PrivateMutex() = default;
  PrivateMutex(const PrivateMutex &) = delete;
  PrivateMutex &operator=(const PrivateMutex &) = delete;

  void lock() noexcept {
    if (!try_lock()) lock_contended();
  }
  bool try_lock() noexcept {
    std::uint32_t expected = kFree;
    return state_.compare_exchange_strong(expected, kLocked, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) state_.notify_one();
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kLocked = 1;
  static constexpr std::uint32_t kAwaited = 2;     // locked, and somebody may sleep for it
  static constexpr std::uint32_t kLooksMax = 100;  // what it guards takes less than these pauses

  [[gnu::noinline]] void lock_contended() noexcept {
    for (std::uint32_t i = 0; i < kLooksMax; ++i) {
      pause();
      if (state_.load(std::memory_order_relaxed) == kFree && try_lock()) return;
    }
    while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) {
      state_.wait(kAwaited, std::memory_order_relaxed);
    }
  }

  std::atomic<std::uint32_t> state_{kFree};
};

}  // namespace mobula::base
