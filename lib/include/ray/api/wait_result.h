// ray/api/wait_result.h: what ray::Wait found.
#pragma once

#include <list>
#include <utility>

#include "ray/api/object_ref.h"

namespace ray {

// Both lists keep the order of the references given to Wait.
template <typename T>
class WaitResult {
 public:
  WaitResult() = default;
  WaitResult(std::list<ObjectRef<T>> ready_refs, std::list<ObjectRef<T>> unready_refs)
      : ready(std::move(ready_refs)), unready(std::move(unready_refs)) {}

  std::list<ObjectRef<T>> ready;
  std::list<ObjectRef<T>> unready;
};

}  // namespace ray
