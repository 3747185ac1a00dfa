#include "base/units.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cmath>

namespace mobula::base {
namespace {

constexpr double kBytesMax = 1e18;
constexpr double kDurationMsMax = 366.0 * 24 * 3600 * 1000;
constexpr double kRatePerSecondMax = 1e6;

// The number that a text begins with, and the word behind it.
struct Quantity {
  double number = 0;
  std::string_view unit;
};

std::optional<Quantity> read_quantity(std::string_view text) {
  Quantity quantity;
  // from_chars: the same in every locale, decimal only.
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), quantity.number);
  // It would also take "-1", ".5", "inf" and "nan".
  if (code != std::errc() || !std::isdigit(static_cast<unsigned char>(text.front()))) return std::nullopt;
  quantity.unit = std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (!quantity.unit.empty() && quantity.unit.front() == ' ') quantity.unit.remove_prefix(1);
  return quantity;
}

// 0 when the unit is unknown.
double milliseconds_in(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit.empty() || unit == "s" || unit == "sec") return 1000;
  if (unit == "m" || unit == "min") return 60.0 * 1000;
  if (unit == "h") return 3600.0 * 1000;
  return unit == "d" ? 24.0 * 3600 * 1000 : 0;
}

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
  // From 1023.95 on the number would be written as 1024.0 of the smaller unit.
  for (; value >= 1023.95 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  const std::string number = fmt::format("{:.1f}", value);
  return fmt::format("{} {}", number.ends_with(".0") ? number.substr(0, number.size() - 2) : number, kUnits[unit]);
}

std::string counted(std::uint64_t count, const char *noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const std::optional<Quantity> quantity = read_quantity(text);
  if (!quantity) return std::nullopt;
  const double factor = unit_factor(quantity->unit);
  const double bytes = quantity->number * factor;
  if (factor == 0 || !std::isfinite(bytes) || bytes > kBytesMax) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  const std::optional<Quantity> quantity = read_quantity(text);
  if (!quantity) return std::nullopt;
  const double factor = milliseconds_in(quantity->unit);
  const double duration_ms = std::round(quantity->number * factor);
  if (factor == 0 || !std::isfinite(duration_ms) || duration_ms > kDurationMsMax) return std::nullopt;
  return static_cast<std::int64_t>(duration_ms);
}

std::optional<double> parse_rate_per_second(std::string_view text) {
  const std::optional<Quantity> quantity = read_quantity(text);
  if (!quantity) return std::nullopt;
  double period_ms = 1000;
  if (!quantity->unit.empty()) {
    if (quantity->unit.front() != '/' || quantity->unit.size() == 1) return std::nullopt;
    period_ms = milliseconds_in(quantity->unit.substr(1));
  }
  const double rate = period_ms == 0 ? -1 : quantity->number * 1000 / period_ms;
  if (!std::isfinite(rate) || rate < 0 || rate > kRatePerSecondMax) return std::nullopt;
  return rate;
}

}  // namespace mobula::base
