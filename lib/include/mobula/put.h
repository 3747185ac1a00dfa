// mobula/put.h: putting values as they lie in memory, and many at once.
//   Threads    every function may be called by any thread
//   Errors     the exceptions of ray/api/exceptions.h
//   Cost       as ray::Put
#pragma once

#include <iterator>
#include <type_traits>
#include <vector>

#include "mobula/not_on_ray.h"
#include "ray/api/object_ref.h"
#include "ray/api/objects.h"

namespace mobula {

// As ray::Put, but a trivially copyable struct (or a vector of them) is stored as its bytes although msgpack could pack
// it, so that it can be viewed. Processes of another build must know the struct with the same layout.
template <typename T>
ray::ObjectRef<T> put(const T &value, const CallSite &site = CallSite::here()) {
  return ray::ObjectRef<T>(ray::internal::store_raw(value, &site));
}

// One object for each value of a range, in its order. When one cannot be stored those before it are given back.
template <typename Range>
auto put_all(const Range &values, const CallSite &site = CallSite::here()) {
  using Value = std::decay_t<decltype(*std::begin(values))>;
  std::vector<ray::ObjectRef<Value>> objects;
  objects.reserve(static_cast<std::size_t>(std::distance(std::begin(values), std::end(values))));
  for (const Value &value : values) objects.push_back(put(value, site));
  return objects;
}

}  // namespace mobula
