// tools/markup.h: texts inside of HTML and SVG. Pure.
//   Errors     whatever the bytes are, the result is well-formed: what is no character comes as U+FFFD
#pragma once

#include <string>
#include <string_view>

namespace mobula::tools {

// For text between tags and for values in double quotes.
std::string escape_markup(std::string_view text);
// A coordinate: "12.3", "12" for whole ones.
std::string coordinate(double value);

}  // namespace mobula::tools
