#include "tools/duration.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "base/clock.h"

namespace mobula::tools {
namespace {

constexpr double kNsMax = 9e18;

// 0: no such unit.
double unit_ns(std::string_view unit) {
  constexpr std::pair<std::string_view, double> kUnits[] = {{"", 1e9},   {"s", 1e9},    {"ms", 1e6},
                                                            {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}};
  for (const auto &[name, ns] : kUnits) {
    if (name == unit) return ns;
  }
  return 0;
}

}  // namespace

std::optional<std::int64_t> parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  const double ns = value * unit_ns(unit);
  if (unit_ns(unit) == 0 || ns > kNsMax) return std::nullopt;
  return static_cast<std::int64_t>(ns);
}

std::string check_duration(const std::string &text) {
  if (parse_duration(text)) return "";
  return "'" + text + "' is no length of time: give seconds, or a number with ms, s, min or h, such as 90s";
}

}  // namespace mobula::tools
