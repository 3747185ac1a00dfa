// mobula/task.h: options of a task that Ray's C++ API does not have.
//   Threads    one caller belongs to one thread
//   Cost       none
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "mobula/not_on_ray.h"

namespace mobula {

// How often the task runs again when the worker that ran it has died; the default is 1, 0 is at most once. What the
// function throws is not retried, unless with_retry_exceptions says so.
// mobula::with_retries(ray::Task(f), 3).Remote(arguments...)
template <typename Caller>
Caller &&with_retries(Caller &&caller, std::uint32_t retries) {
  caller.options().retries = retries;
  return std::forward<Caller>(caller);
}

// An exception of the function counts as a death does: the task runs again, as often as its retries say.
template <typename Caller>
Caller &&with_retry_exceptions(Caller &&caller) {
  caller.options().retry_exceptions = true;
  return std::forward<Caller>(caller);
}

// The task must end within that time after Remote; else its result is a ray::internal::RayDeadlineException, and a
// function that still runs is stopped. A negative time means no deadline.
template <typename Caller>
Caller &&with_deadline(Caller &&caller, std::chrono::milliseconds time) {
  caller.options().deadline_ms = time.count() < 0 ? -1 : time.count();
  return std::forward<Caller>(caller);
}

}  // namespace mobula
