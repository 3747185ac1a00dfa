#include "client/outbox.h"

#include <sys/eventfd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/crash_points.h"
#include "base/saturation.h"
#include "wire/ring_messages.h"

namespace mobula::client {
namespace {

// A sleeping raylet is woken for hints only when so much waits in the ring; else it frees at its next wake-up.
constexpr std::uint64_t kUnreadMessagesMax = base::kRingSlots / 2;
constexpr std::uint64_t kHintedBytesMax = 1ull << 20;

}  // namespace

Outbox::Outbox(const segment::Segment &segment, std::uint32_t client_id, Waiter &waiter, base::File raylet_event)
    : header_(segment.header()),
      slot_(segment.client(client_id)),
      waiter_(waiter),
      raylet_event_(std::move(raylet_event)),
      producer_(&slot_.to_raylet, segment.rings(client_id).to_raylet, base::kRingSlots) {}

void Outbox::wake_raylet() {
  // S5, seq_cst fence: our tail is visible before we read whether the raylet sleeps; pairs with its exchange and re-
  // check.
  base::thread_fence(std::memory_order_seq_cst);
  if (header_.raylet_sleeping.load(std::memory_order_relaxed) != 0) eventfd_write(raylet_event_.get(), 1);
}

bool Outbox::send(const segment::RingSlot &slot, Urgency urgency) {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (producer_.try_push(slot)) break;
    }
    if (!wait_for_room()) return false;
  }
  if (urgency == Urgency::kNow) wake_raylet();
  return true;
}

// The count is there before the ring is read again; pairs with the raylet's fence between head and room_waiters.
bool Outbox::wait_for_room() {
  base::count_up(slot_.room_waiters, std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kRoomCounted);
  wake_raylet();
  const segment::Wake wake = waiter_.wait_until(
      [this] {
        const std::lock_guard lock(mutex_);
        return producer_.depth() < base::kRingSlots;
      },
      base::kForever);
  base::count_out(slot_.room_waiters, std::memory_order_seq_cst);
  return wake != segment::Wake::kRayletDied;
}

void Outbox::hint(std::uint32_t entry, std::uint64_t bytes) {
  segment::RingSlot slot = wire::slot_of(wire::ToRaylet::kHints);
  slot.count = 1;
  slot.words[0] = entry;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!producer_.try_push(slot)) slot_.hints_lost.store(1, std::memory_order_release);
    hinted_bytes_ += bytes;
    wake = hinted_bytes_ >= kHintedBytesMax || producer_.depth() >= kUnreadMessagesMax ||
           header_.pressure.load(std::memory_order_relaxed) != 0;
    if (wake) hinted_bytes_ = 0;
  }
  if (wake) wake_raylet();
}

}  // namespace mobula::client
