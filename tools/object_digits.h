// tools/object_digits.h: an ObjectID as people see it, in hexadecimal digits.
//   Threads    any thread
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "refs/object_id.h"

namespace mobula::tools {

using refs::digits_of;
// Nothing when it has other characters, or half a byte.
std::optional<std::string> id_of_digits(std::string_view digits);

}  // namespace mobula::tools
