// ray/api/function_manager.h: registers a function by hand, by the name that Ray's registry has.
//   Threads    thread-safe
//   Errors     RayException for a function that is registered already; RAY_REMOTE does not mind that
#pragma once

#include <string>

#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/invoker.h"
#include "ray/api/ray_remote.h"

namespace ray {
namespace internal {

class FunctionManager {
 public:
  static FunctionManager &Instance() {
    static FunctionManager one;
    return one;
  }

  // REQUIRES: called before Init; workers must come by the same call, so before main.
  template <typename F>
  bool RegisterRemoteFunction(const std::string &name, F function) {
    if (mobula::runtime::find_function(&function, sizeof(function), kInvoker<F>) != 0) {
      throw RayException("Duplicate RAY_REMOTE function: " + name);
    }
    return register_functions(name, function);
  }

 private:
  FunctionManager() = default;
};

}  // namespace internal
}  // namespace ray
