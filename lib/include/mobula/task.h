// mobula/task.h: options of a task that Ray's C++ API does not have.
//   Threads    one caller belongs to one thread
//   Cost       none
#pragma once

#include <cstdint>
#include <utility>

namespace mobula {

// How often the task runs again when the worker that ran it has died; the default is 1, 0 is at most once. What the
// function throws is never retried. mobula::with_retries(ray::Task(f), 3).Remote(arguments...)
template <typename Caller>
Caller &&with_retries(Caller &&caller, std::uint32_t retries) {
  caller.options().retries = retries;
  return std::forward<Caller>(caller);
}

}  // namespace mobula
