// client/activities.h: what this process does, for whoever looks at the segment: its task now, and the last ones.
//   Layout     words of the own segment::ClientSlot, and the ring of segment::Activity in the own rings
//   Threads    thread-safe; of calls side by side the slot shows the one that began last
//   Crash      a record that is half written, or not begun, is not read
//   Cost       a task: one look at the clock, two while the worker had to wait for it, and three cache lines
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::client {

class Activities {
 public:
  Activities(const segment::Segment &segment, std::uint32_t client_id, std::uint32_t pid);

  // One piece of work, from here to end(). The caller keeps it.
  struct Work {
    refs::ObjectName name;
    std::uint32_t site = 0;
    std::int64_t began_ns = 0;
  };
  // The task that makes `result` begins; `site` tells its function. Without a pause (paused()) it begins with the end
  // of the one before.
  Work begin_task(refs::ObjectName result, std::uint32_t site);
  void end_task(const Work &task, segment::ActivityEnd end);
  // The process has nothing to do: the next task begins when it begins.
  void paused() { last_end_ns_.store(0, std::memory_order_relaxed); }
  // A wait for `name` that has slept.
  void note_wait(refs::ObjectName name, std::uint32_t site, std::int64_t began_ns);
  // From now on this worker is that actor.
  void set_actor(std::uint32_t entry);

 private:
  void note(segment::ActivityKind kind, const Work &work, segment::ActivityEnd end, std::int64_t ended_ns);

  const segment::Segment &segment_;
  segment::ClientSlot &slot_;
  const std::uint32_t client_id_;
  const std::uint32_t pid_;
  base::Atomic<std::int64_t> last_end_ns_{0};  // 0: unknown
};

}  // namespace mobula::client
