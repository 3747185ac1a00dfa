// segment/ring.h: a single-producer single-consumer ring in the segment. A dead producer leaves no hole.
//   Layout     RingControl + a power of two of RingSlots
//   Threads    one producer and one consumer process; several threads of a process take turns under their own lock
//   Crash      killed before the tail store: the message does not exist; after: it is whole
//   Cost       no system call; a push is one slot and one store
#pragma once

#include <cstdint>

#include "base/crash_points.h"
#include "segment/layout.h"

namespace mobula::segment {

class RingProducer {
 public:
  RingProducer() = default;
  RingProducer(RingControl *control, RingSlot *slots, std::uint32_t slots_count)
      : control_(control),
        slots_(slots),
        slots_count_(slots_count),
        tail_(control->tail.load(std::memory_order_relaxed)) {
    // relaxed: nobody else writes the head before this producer has pushed something.
    head_ = control->head.load(std::memory_order_relaxed);
  }

  // False, with nothing changed, when the ring is full.
  // Ordering: the slot is visible to the consumer that sees the new tail (release).
  bool try_push(const RingSlot &slot) noexcept {
    if (tail_ - head_ >= slots_count_ && !see_room()) return false;
    slots_[tail_ & (slots_count_ - 1)] = slot;
    base::crash_point(base::CrashPoint::kMessageWritten);
    control_->tail.store(++tail_, std::memory_order_release);
    base::crash_point(base::CrashPoint::kMessagePublished);
    return true;
  }
  // Messages pushed and not yet consumed, as last seen.
  std::uint64_t depth() noexcept {
    see_room();
    return tail_ - head_;
  }

 private:
  bool see_room() noexcept {
    // acquire: the consumer has finished reading the slots below the head before we overwrite them.
    head_ = control_->head.load(std::memory_order_acquire);
    return tail_ - head_ < slots_count_;
  }

  RingControl *control_ = nullptr;
  RingSlot *slots_ = nullptr;
  std::uint32_t slots_count_ = 0;
  std::uint64_t tail_ = 0;
  std::uint64_t head_ = 0;
};

class RingConsumer {
 public:
  enum class Look { kEmpty, kMessage, kBroken };

  RingConsumer() = default;
  RingConsumer(RingControl *control, const RingSlot *slots, std::uint32_t slots_count)
      : control_(control),
        slots_(slots),
        slots_count_(slots_count),
        head_(control->head.load(std::memory_order_relaxed)),
        tail_(head_) {}

  // Copies the oldest message out, without consuming it. kBroken: the producer wrote an impossible tail.
  // Ordering: acquire on the tail: the slot's bytes are those written before it.
  Look peek(RingSlot *slot) noexcept {
    if (tail_ == head_) {
      tail_ = control_->tail.load(std::memory_order_acquire);
      if (tail_ == head_) return Look::kEmpty;
    }
    if (tail_ - head_ > slots_count_) return Look::kBroken;
    *slot = slots_[head_ & (slots_count_ - 1)];
    return Look::kMessage;
  }
  // The slot `distance` behind the oldest one, as far as peek() has seen the ring, else null. For prefetching: nothing
  // of it is checked.
  const RingSlot *ahead(std::uint64_t distance) const noexcept {
    return distance < tail_ - head_ ? &slots_[(head_ + distance) & (slots_count_ - 1)] : nullptr;
  }
  // Gives the oldest slot back to the producer. REQUIRES: peek() said kMessage.
  // Ordering: release: our reads of the slot happen before the producer overwrites it.
  void pop() noexcept {
    control_->head.store(++head_, std::memory_order_release);
    base::crash_point(base::CrashPoint::kMessageConsumed);
  }
  bool empty() const noexcept { return control_->tail.load(std::memory_order_acquire) == head_; }

 private:
  RingControl *control_ = nullptr;
  const RingSlot *slots_ = nullptr;
  std::uint32_t slots_count_ = 0;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
};

}  // namespace mobula::segment
