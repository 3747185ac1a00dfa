// stress/call_page.h: what a driver of the storm shows to the harness while it runs, without a message.
//   Layout     CallPage, a file that the harness makes and maps (storm/call_page.py has the same offsets)
//   Threads    written by the driver's only thread; kill_ns by the harness, too
//   Process    the driver's; a copy in a worker is never used
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mix {

constexpr std::uint32_t kAnswersMax = 1000;

struct CallPage {
  std::atomic<std::uint64_t> call_started_ns;  // CLOCK_MONOTONIC; 0 = no call is running
  std::atomic<std::uint32_t> deadline_ms;      // of that call
  std::atomic<std::uint32_t> operation;        // of the mix, 1 = Init
  std::atomic<std::uint64_t> calls;
  std::atomic<std::uint64_t> worker_errors;  // typed errors that a kill explains
  std::atomic<std::uint64_t> lost;           // objects that were held and are gone
  std::atomic<std::uint64_t> other_errors;   // errors that nothing explains
  std::atomic<std::uint64_t> kill_ns;        // the harness: when it killed a worker; 0 = nothing to answer
  std::atomic<std::uint32_t> answers;        // times from such a kill to the next result of a task
  std::uint32_t answer_us[kAnswersMax];
};
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 && offsetof(CallPage, answer_us) == 60);

// Null when the file cannot be mapped.
inline CallPage *map_call_page(const char *path) {
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return nullptr;
  void *const memory = mmap(nullptr, sizeof(CallPage), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? nullptr : static_cast<CallPage *>(memory);
}

inline std::uint64_t now_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

// One call of the API, from the constructor to the destructor.
class PublishedCall {
 public:
  // `waits_for_task`: its end answers a kill.
  PublishedCall(CallPage &page, bool waits_for_task) : page_(page), waits_for_task_(waits_for_task) {
    page_.call_started_ns.store(now_ns(), std::memory_order_relaxed);
  }
  PublishedCall(const PublishedCall &) = delete;
  PublishedCall &operator=(const PublishedCall &) = delete;
  ~PublishedCall() {
    page_.call_started_ns.store(0, std::memory_order_relaxed);
    page_.calls.fetch_add(1, std::memory_order_relaxed);
    if (waits_for_task_ && page_.kill_ns.load(std::memory_order_relaxed) != 0) answer();
  }

 private:
  void answer() {
    const std::uint64_t killed_ns = page_.kill_ns.exchange(0, std::memory_order_relaxed);
    const std::uint32_t number = page_.answers.load(std::memory_order_relaxed);
    const std::uint64_t ended_ns = now_ns();
    if (number >= kAnswersMax || ended_ns < killed_ns) return;
    page_.answer_us[number] = static_cast<std::uint32_t>((ended_ns - killed_ns) / 1000);
    page_.answers.store(number + 1, std::memory_order_release);
  }

  CallPage &page_;
  const bool waits_for_task_;
};

}  // namespace mix
