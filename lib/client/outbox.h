// client/outbox.h: this process's messages to the raylet.
//   Threads    thread-safe
//   Crash      killed before the tail store the message does not exist, after it it is whole
//   Cost       a lock and one slot; a system call only when the raylet sleeps and must know now, or the ring is full
#pragma once

#include <mutex>

#include "base/file.h"
#include "client/waiter.h"
#include "segment/ring.h"
#include "segment/segment.h"

namespace mobula::client {

class Outbox {
 public:
  Outbox(const segment::Segment &segment, std::uint32_t client_id, Waiter &waiter, base::File raylet_event);

  enum class Urgency { kNow, kWhenConvenient };
  // Publishes the message. A full ring makes the caller sleep for room. False: the raylet has died.
  bool send(const segment::RingSlot &slot, Urgency urgency);
  // Publishes a hint if there is room, else leaves a mark that makes the raylet look itself. Never sleeps.
  void hint(std::uint32_t entry, std::uint64_t bytes);
  // Nothing can be sent any more; the descriptor is given back.
  void close() { raylet_event_.reset(); }
  // Writes the raylet's eventfd if it sleeps.
  void wake_raylet();

 private:
  bool wait_for_room();

  segment::SegmentHeader &header_;
  segment::ClientSlot &slot_;
  Waiter &waiter_;
  base::File raylet_event_;
  base::Mutex mutex_;
  segment::RingProducer producer_;
  std::uint64_t hinted_bytes_ = 0;
};

}  // namespace mobula::client
