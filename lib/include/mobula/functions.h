// mobula/functions.h: what RAY_REMOTE has registered in this process.
//   Threads    thread-safe
//   Cost       a look-up under a shared lock
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mobula/runtime.h"

namespace mobula::runtime {

// How a function of that name is run; null when there is none.
MOBULA_EXPORT Invoker find_invoker(std::string_view name);
// The name of a number that find_function gave; "" for other numbers.
MOBULA_EXPORT std::string function_name(std::uint64_t number);

}  // namespace mobula::runtime
