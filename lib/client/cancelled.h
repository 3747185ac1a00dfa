// client/cancelled.h: whether the task that runs here is to end. Its spec's claim word says so (tasks/claim.h).
//   Threads    each thread has a task of its own; a thread that has none sees the one that runs alone in its process
//   Cost       one load
#pragma once

#include <cstdint>

#include "segment/layout.h"

namespace mobula::client {

// A task runs on this thread from now on, until it is destroyed.
class RunningTask {
 public:
  // `asked`: what the word is when the task is to end. `alone`: no other task runs in this process.
  RunningTask(const segment::Word &claim, std::uint64_t asked, bool alone) noexcept;
  ~RunningTask();
  RunningTask(const RunningTask &) = delete;
  RunningTask &operator=(const RunningTask &) = delete;

  // It was asked to end, whether it looked or not.
  bool is_cancelled() const noexcept { return claim_.load(std::memory_order_acquire) == asked_; }
  // It looked, and was told to end.
  bool has_seen() const noexcept;

 private:
  const segment::Word &claim_;
  const std::uint64_t asked_;
  const bool alone_;
};

// For the user's code: false when no task runs here.
bool is_cancelled() noexcept;

}  // namespace mobula::client
