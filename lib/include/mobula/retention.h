// mobula/retention.h: objects that stay although nobody refers to them, and the passes that free them.
//   Threads    any thread
//   Process    what is retained belongs to the session and outlives this process
//   Ownership  an object is freed at once when nobody refers to it, unless it is retained: named (mobula/names.h),
//              weakly held (mobula/weak.h), or by retain. Retained ones are freed by the eviction pass, least recently
//              taken first, never one that is held, pinned, or used by a task or another object. It runs when a put
//              waits for space, when more of the store is in use than `mobula-raylet --evict-above` says, and on
//              request
//   Errors     the exceptions of ray/api/exceptions.h
//   Cost       retain: one message to the raylet. evict, collect_cycles: one question to it, which works meanwhile
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "mobula/not_on_ray.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/object_ref.h"
#include "ray/api/objects.h"

namespace mobula {

using Freed = runtime::Freed;
using Eviction = runtime::Eviction;

// The object stays when its last reference is dropped, until it is evicted.
template <typename T>
void retain(const ray::ObjectRef<T> &object) {
  ray::internal::throw_unless_ok(runtime::retain(object.reference(), true));
}

// It is freed with its last reference again, unless it is named or weakly held.
template <typename T>
void unretain(const ray::ObjectRef<T> &object) {
  ray::internal::throw_unless_ok(runtime::retain(object.reference(), false));
}

// Put, and retain.
template <typename T>
ray::ObjectRef<T> put_retained(const T &value) {
  ray::ObjectRef<T> object = ray::Put(value);
  retain(object);
  return object;
}

// Frees retained objects that nobody refers to, least recently taken first, until that many bytes of blocks are freed
// or none is left. Returns what was freed.
inline Freed evict(std::uint64_t bytes) {
  Freed freed;
  ray::internal::throw_unless_ok(runtime::evict(bytes, &freed));
  return freed;
}

// The mark pass: frees objects that no process, task, name or pin can reach, because they only contain each other. It
// runs by itself when a put waits for space and eviction does not help.
inline Freed collect_cycles() {
  Freed freed;
  ray::internal::throw_unless_ok(runtime::collect_cycles(&freed));
  return freed;
}

// Tells `callback` of every object of the session that is evicted from now on; an empty function ends that. Mobula has
// no thread in your process, so it runs inside of calls of yours: deliver_evictions, evict, and look-ups and locks that
// find nothing. It must make none of these calls.
inline void on_evicted(std::function<void(const Eviction &)> callback) { runtime::on_evicted(std::move(callback)); }

// Returns how many evictions since the last call were too many to be kept (1,024 are).
inline std::uint64_t deliver_evictions() { return runtime::deliver_evictions(); }

}  // namespace mobula
