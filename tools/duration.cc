#include "tools/duration.h"

#include "base/clock.h"
#include "base/units.h"

namespace mobula::tools {

std::optional<std::int64_t> parse_duration(std::string_view text) {
  const std::optional<std::int64_t> duration_ms = base::parse_duration_ms(text);
  if (!duration_ms) return std::nullopt;
  return *duration_ms * base::kNanosecondsPerMillisecond;
}

std::string check_duration(const std::string &text) {
  if (parse_duration(text)) return "";
  return "'" + text + "' is no length of time: give seconds, or a number with ms, s, min or h, such as 90s";
}

}  // namespace mobula::tools
