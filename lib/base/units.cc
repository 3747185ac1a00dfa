#include "base/units.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <cstdlib>

namespace mobula::base {
namespace {

constexpr double kBytesMax = 1e18;

// 0 when the unit is unknown. K, M, G, T count in 1024s, as in Ray's and Docker's flags; KB, MB, GB in 1000s.
double unit_factor(std::string_view unit) {
  std::string lower;
  for (char letter : unit) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  if (lower.empty() || lower == "b" || lower == "bytes") return 1;
  const std::size_t power = std::string("kmgt").find(lower[0]);
  if (power == std::string::npos) return 0;
  const std::string rest = lower.substr(1);
  if (rest.empty() || rest == "ib") return std::pow(1024.0, static_cast<double>(power + 1));
  return rest == "b" ? std::pow(1000.0, static_cast<double>(power + 1)) : 0;
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  static constexpr const char *kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  const std::string number = fmt::format("{:.1f}", value);
  return fmt::format("{} {}", number.ends_with(".0") ? number.substr(0, number.size() - 2) : number, kUnits[unit]);
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const std::string copy(text);
  if (copy.empty() || !std::isdigit(static_cast<unsigned char>(copy[0]))) return std::nullopt;
  char *end = nullptr;
  const double number = std::strtod(copy.c_str(), &end);
  std::string_view unit(end);
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  const double factor = unit_factor(unit);
  const double bytes = number * factor;
  if (factor == 0 || !std::isfinite(bytes) || bytes > kBytesMax) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace mobula::base
