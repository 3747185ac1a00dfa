// base/units.h: sizes, times, rates and numbers as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mobula::base {

// "64 MiB", "1.5 GiB", "112 bytes".
std::string format_bytes(std::uint64_t bytes);
// "1 handle", "2 handles".
std::string counted(std::uint64_t count, const char *noun);
// Reads "1GiB", "512 MiB", "64M", "1e9", "1073741824". Nothing for anything else, negative or too large.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
// Reads "250ms", "30s", "2 min", "2m", "1.5h", "1d"; a number alone is seconds. Nothing for else, or over a year.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);
// Reads "5/s", "0.5 /s", "30/min", "100/h"; a number alone is per second. Nothing for else, or over 1,000,000.
std::optional<double> parse_rate_per_second(std::string_view text);

}  // namespace mobula::base
