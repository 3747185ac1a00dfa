// mobula/names.h: names of a session for its objects.
//   Threads    any thread
//   Process    names belong to the session: they outlive the process that published them
//   Ownership  a named object stays although nobody refers to it, until the eviction pass needs its space or its last
//              name is taken off (mobula/retention.h); its names go with it. To keep it for good, pin it, too
//   Errors     the exceptions of ray/api/exceptions.h: RayException when a name is empty, longer than 232 bytes or
//              taken, or the session has its 65,536 names
//   Cost       look-up: a hash, a short chain and taking a handle, without a system call and without waiting for
//              anybody. publish, unpublish: one question to the raylet
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "mobula/not_on_ray.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/object_ref.h"

namespace mobula {

enum class Replace { kNo, kYes };

// From now on the name stands for the object, finished or not. With Replace::kYes it may have stood for another one:
// whoever looks it up meanwhile finds the one or the other.
template <typename T>
void publish(std::string_view name, const ray::ObjectRef<T> &object, Replace replace = Replace::kNo) {
  ray::internal::throw_unless_ok(runtime::publish(name, object.reference(), replace == Replace::kYes));
}

// A counted reference of the object that the name stands for; nothing when there is none, or it was evicted. T is the
// caller's to know, as with Get.
template <typename T>
std::optional<ray::ObjectRef<T>> lookup(std::string_view name, const CallSite &site = CallSite::here()) {
  const runtime::AtCallSite at(site);
  Reference reference;
  ray::internal::throw_unless_ok(runtime::lookup(name, &reference));
  if (reference.empty()) return std::nullopt;
  return ray::ObjectRef<T>(std::move(reference));
}

// Takes the name off. Returns whether there was one.
inline bool unpublish(std::string_view name) {
  bool done = false;
  ray::internal::throw_unless_ok(runtime::unpublish(name, &done));
  return done;
}

}  // namespace mobula
