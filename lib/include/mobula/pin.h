// mobula/pin.h: keeping an object whatever becomes of its handles.
//   Threads    any thread
//   Process    a pin belongs to the process that made it and ends with it; another process's pin is not touched
//   Errors     the exceptions of ray/api/exceptions.h
//   Cost       a lock and one locked instruction
#pragma once

#include "mobula/not_on_ray.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/object_ref.h"

namespace mobula {

// The object stays until as many unpins, or until this process has ended.
template <typename T>
void pin(const ray::ObjectRef<T> &object) {
  ray::internal::throw_unless_ok(runtime::pin(object.reference()));
}

// Throws RayException when this process has no pin on the object.
template <typename T>
void unpin(const ray::ObjectRef<T> &object) {
  ray::internal::throw_unless_ok(runtime::unpin(object.reference()));
}

}  // namespace mobula
