#include "client/cancelled.h"

#include <atomic>

namespace mobula::client {
namespace {

struct Current {
  std::atomic<const segment::Word *> claim{nullptr};
  std::atomic<std::uint64_t> asked{0};
  std::atomic<bool> seen{false};

  void begin(const segment::Word &word, std::uint64_t value) noexcept {
    asked.store(value, std::memory_order_relaxed);
    seen.store(false, std::memory_order_relaxed);
    claim.store(&word, std::memory_order_release);
  }
  // A thread that outlives its task may see parts of two tasks: then the words differ, and it is told nothing.
  bool look() noexcept {
    const segment::Word *const word = claim.load(std::memory_order_acquire);
    if (word == nullptr || word->load(std::memory_order_acquire) != asked.load(std::memory_order_relaxed)) return false;
    seen.store(true, std::memory_order_relaxed);
    return true;
  }
};

thread_local Current of_thread;
Current alone;

}  // namespace

RunningTask::RunningTask(const segment::Word &claim, std::uint64_t asked, bool alone_in_process) noexcept
    : claim_(claim), asked_(asked), alone_(alone_in_process) {
  (alone_ ? alone : of_thread).begin(claim, asked);
}

RunningTask::~RunningTask() { (alone_ ? alone : of_thread).claim.store(nullptr, std::memory_order_release); }

bool RunningTask::has_seen() const noexcept {
  return (alone_ ? alone : of_thread).seen.load(std::memory_order_relaxed);
}

bool is_cancelled() noexcept {
  const bool has_own = of_thread.claim.load(std::memory_order_relaxed) != nullptr;
  return (has_own ? of_thread : alone).look();
}

}  // namespace mobula::client
