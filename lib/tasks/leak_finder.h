// tasks/leak_finder.h: which of the objects that a session holds nothing has needed for some time. Pure.
//   Threads    any thread
//   Cost       O(objects + holders + references inside)
// An object is needed while it is new, was taken lately, a task of late uses it, or what contains it is needed. What is
// kept on purpose (named, weakly held, retained) and held by nobody is no leak, and an actor is none.
#pragma once

#include <cstdint>
#include <vector>

#include "tasks/holdings.h"

namespace mobula::tasks {

enum class KeptBy : std::uint8_t {
  kHandle,      // `by`: the holder, a number in Holdings::holders
  kPin,         // the same, and it has pinned it
  kSessionPin,  // the same: pinned until the session ends
  kDraft,       // the same: it was never sealed
  kTask,        // `by`: the task, a number in Holdings::tasks, that has not come to its end
  kObject,      // `by`: the object, a number in Holdings::objects, that contains it and is a leak itself
  kCycle,       // `by`: the same; objects that only contain each other
};

struct Leak {
  std::uint32_t object = 0;  // a number in Holdings::objects
  std::uint32_t by = 0;
  KeptBy kept_by = KeptBy::kHandle;
  std::int64_t idle_ns = 0;  // nothing has needed it for so long
};

struct Leaks {
  std::vector<Leak> leaks;            // in the order of objects
  std::vector<std::uint32_t> ending;  // objects that only processes keep that are gone: not leaks yet
};

Leaks find_leaks(const Holdings &holdings, std::int64_t min_age_ns);

// The leak that `leak` hangs on through objects that contain each other: one with a holder or a task, or of a cycle.
const Leak &root_of(const Leaks &leaks, const Leak &leak);

}  // namespace mobula::tasks
