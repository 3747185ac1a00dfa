// ray/api/ray_remote.h: RAY_REMOTE makes functions callable as tasks, actors' factories and actors' methods.
//   Threads    runs while static initialisers do
//   Process    driver and workers run the same registrations; a function is found by its source text
//   Errors     the same function twice is fine (the macro also stands in headers); one name for two functions is
//              reported by ray::Init and by the worker template
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include "mobula/runtime.h"
#include "ray/api/function_traits.h"
#include "ray/api/invoker.h"

namespace ray {
namespace internal {

// Length of the first name in `names`: up to the first comma outside of brackets.
constexpr std::size_t first_name_length(std::string_view names) {
  int depth = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const char c = names[i];
    if (c == '(' || c == '<' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == '>' || c == ']' || c == '}') --depth;
    if (c == ',' && depth == 0) return i;
  }
  return names.size();
}

// Takes the first name off the list.
constexpr std::string_view take_name(std::string_view &names) {
  std::string_view name = names.substr(0, first_name_length(names));
  names.remove_prefix(name.size() < names.size() ? name.size() + 1 : name.size());
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
  return name;
}

// A task, an actor's factory, or a method.
template <typename F>
void register_one(std::string_view name, F function) {
  static_assert(FunctionTraits<F>::kIsFunction || std::is_member_function_pointer_v<F>,
                "RAY_REMOTE takes functions and member functions");
  mobula::runtime::register_function(name, &function, sizeof(function), kInvoker<F>);
}

// `names` is the source text of the functions, separated by commas.
template <typename... Functions>
bool register_functions(std::string_view names, Functions... functions) {
  (register_one(take_name(names), functions), ...);
  return true;
}

}  // namespace internal
}  // namespace ray

#define RAY_INTERNAL_JOIN_TEXT(left, right) left##right
#define RAY_INTERNAL_JOIN(left, right) RAY_INTERNAL_JOIN_TEXT(left, right)

// RAY_REMOTE(f, &C::m, RAY_FUNC(g, int), ...) at namespace scope. Each use is a variable of its own file (static) with
// a name of its own (__COUNTER__): two files or headers with the macro on the same line do not meet.
#define RAY_REMOTE(...)                                                                         \
  [[maybe_unused]] static const bool RAY_INTERNAL_JOIN(ray_remote_registration_, __COUNTER__) = \
      ::ray::internal::register_functions(#__VA_ARGS__, __VA_ARGS__);
