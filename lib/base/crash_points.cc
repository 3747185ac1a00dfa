#include "base/crash_points.h"

#ifdef MOBULA_CRASH_POINTS
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace mobula::base {
namespace {

CrashRole own_role = CrashRole::kClient;
std::atomic<CrashSlot *> own_slot{nullptr};

CrashPage *map_page() noexcept {
  const char *const path = std::getenv("MOBULA_CRASH_PAGE");
  if (path == nullptr) return nullptr;
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return nullptr;
  void *const memory = mmap(nullptr, sizeof(CrashPage), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  // A forked child is another process in another window.
  pthread_atfork(nullptr, nullptr, [] { own_slot.store(nullptr, std::memory_order_relaxed); });
  return memory == MAP_FAILED ? nullptr : static_cast<CrashPage *>(memory);
}

CrashSlot *claim_slot(CrashPage &page) noexcept {
  const auto pid = static_cast<std::uint32_t>(getpid());
  for (std::uint32_t i = 0; i < kCrashSlots; ++i) {
    CrashSlot &slot = page.slots[(pid + i) % kCrashSlots];
    std::uint32_t seen = 0;
    if (slot.pid.compare_exchange_strong(seen, pid) || seen == pid) return &slot;
  }
  std::abort();  // a test that runs so many processes must give slots back
}

CrashSlot &slot_in(CrashPage &page) noexcept {
  CrashSlot *slot = own_slot.load(std::memory_order_relaxed);
  if (slot == nullptr) {
    slot = claim_slot(page);
    own_slot.store(slot, std::memory_order_relaxed);
  }
  return *slot;
}

void die_if_last(CrashPage &page) noexcept {
  if (page.passes_left.fetch_sub(1) != 1) return;
  page.victim_pid.store(static_cast<std::uint32_t>(getpid()));
  const std::uint32_t signal = page.armed_signal.load();
  kill(getpid(), signal == 0 ? SIGKILL : static_cast<int>(signal));
}

}  // namespace

void set_crash_role(CrashRole role) noexcept { own_role = role; }

void pass_crash_point(CrashPoint point) noexcept {
  static CrashPage *const page = map_page();
  if (page == nullptr) return;
  const auto number = static_cast<std::uint32_t>(point);
  slot_in(*page).last_point_plus_1.store(number + 1, std::memory_order_relaxed);
  page->passes[number].fetch_add(1, std::memory_order_relaxed);
  if (page->armed_point_plus_1.load(std::memory_order_relaxed) != number + 1) return;
  if (page->armed_role.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(own_role)) die_if_last(*page);
}

}  // namespace mobula::base
#endif
