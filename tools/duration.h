// tools/duration.h: lengths of time as people write them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mobula::tools {

// "60s", "500ms", "5m", "5min", "2h", or a number of seconds, in nanoseconds. Nothing for anything else.
std::optional<std::int64_t> parse_duration(std::string_view text);
// For an option: "" or what is wrong with it.
std::string check_duration(const std::string &text);

}  // namespace mobula::tools
