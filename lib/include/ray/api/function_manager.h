// ray/api/function_manager.h: the registered functions, by the names that Ray's registry has.
//   Threads    thread-safe
//   Errors     RayException for a function that is registered twice by hand (RAY_REMOTE does not mind that), and for
//              the name of one that is not registered
#pragma once

#include <cstddef>
#include <string>

#include "mobula/functions.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/invoker.h"
#include "ray/api/ray_remote.h"
#include "ray/api/task_caller.h"

namespace ray {
namespace internal {

class FunctionManager {
 public:
  static FunctionManager &Instance() {
    static FunctionManager one;
    return one;
  }
  FunctionManager(const FunctionManager &) = delete;
  FunctionManager &operator=(const FunctionManager &) = delete;

  // REQUIRES: called before Init; workers must come by the same call, so before main.
  template <typename F>
  bool RegisterRemoteFunction(const std::string &name, F function) {
    if (mobula::runtime::find_function(&function, sizeof(function), kInvoker<F>) != 0) {
      throw RayException("Duplicate RAY_REMOTE function: " + name);
    }
    return register_functions(name, function);
  }

  // Its text in RAY_REMOTE.
  template <typename F>
  std::string GetFunctionName(const F &function) {
    return mobula::runtime::function_name(find_function(function));
  }
  // Null when nobody has registered that name.
  mobula::Invoker GetFunction(const std::string &func_name) { return mobula::runtime::find_invoker(func_name); }
  mobula::Invoker GetMemberFunction(const std::string &func_name) { return mobula::runtime::find_invoker(func_name); }

  // "Class" of "Class::Create" and of "RAY_FUNC(Class::Create, int)"; "" of a function outside of classes.
  static std::string GetClassNameByFuncName(const std::string &func_name) {
    static const std::string kMacro = "RAY_FUNC(";
    const std::size_t macro = func_name.find(kMacro);
    const std::size_t start = macro == std::string::npos ? 0 : macro + kMacro.size();
    const std::size_t end = func_name.rfind("::", func_name.find(',', start));
    return end == std::string::npos || end <= start ? std::string() : func_name.substr(start, end - start);
  }

 private:
  FunctionManager() = default;
};

}  // namespace internal
}  // namespace ray
