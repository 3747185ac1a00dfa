// mobula/cancel.h: ends a task that nobody wants any more.
//   Threads    every function may be called by any thread
//   Errors     ray::internal::RayException when no task makes the object. Get of the result then throws
//              RayCancelledException, unless the task was faster
//   Cost       cancel: one question to the raylet. cancelled: one load
#pragma once

#include "mobula/not_on_ray.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"

namespace mobula {

// A task that still waits vanishes. One that runs sees cancelled(); with `force` its worker is killed.
template <typename ObjectRef>
void cancel(const ObjectRef &object, bool force = false) {
  ray::internal::throw_unless_ok(runtime::cancel(object.reference(), force));
}

// Inside a task: whether it was cancelled. Long functions ask now and then, and return.
inline bool cancelled() { return runtime::is_cancelled(); }

}  // namespace mobula
