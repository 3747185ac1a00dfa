// mobula/figures.h: who refers to an object, and what the store holds, in figures.
//   Threads    any thread
//   Process    read from shared memory: no message, nobody is asked or stopped; a stopped process counts like others
//   Errors     the exceptions of ray/api/exceptions.h. Figures are exact when nothing runs in the session; else each
//              number was true at some moment of the call, and numbers that belong together may be of different moments
//   Cost       ref_count: O(handles of the processes that hold it). store_stats: O(objects and handles that there are)
#pragma once

#include "mobula/not_on_ray.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/object_ref.h"

namespace mobula {

using RefCount = runtime::RefCount;
using ProcessKind = runtime::ProcessKind;
using ProcessStats = runtime::ProcessStats;
using StoreStats = runtime::StoreStats;

// Who refers to the object now. `object` itself is one of the handles.
template <typename T>
RefCount ref_count(const ray::ObjectRef<T> &object) {
  RefCount count;
  ray::internal::throw_unless_ok(runtime::ref_count(object.reference(), &count));
  return count;
}

// The whole store, and each process of the session.
inline StoreStats store_stats() {
  StoreStats stats;
  ray::internal::throw_unless_ok(runtime::store_stats(&stats));
  return stats;
}

}  // namespace mobula
