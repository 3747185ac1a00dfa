#include "tools/svg_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"
#include "tools/markup.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

constexpr double kTimeTicksMax = 9;
constexpr double kValueTicksMax = 5;
constexpr std::size_t kTicksDrawnMax = 100;  // whatever the numbers are
// Steps that people read at a glance, in seconds; beyond them whole days.
constexpr double kTimeSteps[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,  0.2,  0.5,  1,     2,     5,     10,   20,
                                 30,    60,    120,   300,  600,  1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
constexpr double kSecondsPerDay = 86400;

double time_step(double span) {
  for (const double step : kTimeSteps) {
    if (span / step <= kTimeTicksMax) return step;
  }
  return std::ceil(span / kTimeTicksMax / kSecondsPerDay) * kSecondsPerDay;
}

// 1, 2 or 5 times a power of ten, at least 1.
double count_step(double high) {
  double step = 1;
  for (int i = 0; high / step > kValueTicksMax; ++i) step *= i % 3 == 1 ? 2.5 : 2;
  return step;
}

// A power of two.
double bytes_step(double high) {
  double step = 1;
  while (high / step > kValueTicksMax) step *= 2;
  return step;
}

}  // namespace

std::string format_moment(double seconds, double until) {
  if (until < 120) return fmt::format("{:.6g} s", std::round(seconds * 1000) / 1000);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (until < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string format_duration(double seconds) {
  if (seconds < 0.001) return fmt::format("{:.0f} us", std::max(seconds, 0.0) * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  return seconds < 7200 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3600);
}

std::vector<SvgTick> time_ticks(double low, double high) {
  std::vector<SvgTick> ticks;
  if (!(high > low)) return {{low, format_moment(low, high)}};
  const double step = time_step(high - low);
  for (double number = std::ceil(low / step); number * step <= high && ticks.size() < kTicksDrawnMax; ++number)
    ticks.push_back({number * step, format_moment(number * step, high)});
  return ticks;
}

std::vector<SvgTick> value_ticks(double high, SvgPlot::Unit unit) {
  high = std::isfinite(high) ? std::min(high, 1e18) : 0;
  const double step = unit == SvgPlot::Unit::kBytes ? bytes_step(high) : count_step(high);
  std::vector<SvgTick> ticks;
  for (double value = 0;; value += step) {
    const auto whole = static_cast<std::uint64_t>(value);
    ticks.push_back({value, unit == SvgPlot::Unit::kBytes ? base::format_bytes(whole) : format_count(whole)});
    if ((value >= high && value > 0) || ticks.size() > kTicksDrawnMax) break;
  }
  if (unit == SvgPlot::Unit::kBytes) ticks.front().text = "0";
  return ticks;
}

std::string svg_begin(const std::string &label, double height) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n",
      coordinate(kPlotWidth), coordinate(height), escape_markup(label));
}

std::string svg_time_axis(const SvgAxis &axis, double top, double bottom) {
  std::string text;
  for (const SvgTick &tick : time_ticks(axis.low, axis.high)) {
    const double x = axis.place(tick.at);
    text += svg_line(x, top, x, bottom, "grid");
    text += svg_text(x, bottom + 17, "middle", tick.text);
  }
  return text + svg_line(axis.from, bottom, axis.to, bottom, "axis");
}

std::string svg_text(double x, double y, const char *anchor, const std::string &text) {
  return fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n", coordinate(x), coordinate(y), anchor,
                     escape_markup(text));
}

std::string svg_line(double x1, double y1, double x2, double y2, const char *css_class) {
  return fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n", css_class, coordinate(x1),
                     coordinate(y1), coordinate(x2), coordinate(y2));
}

std::string svg_title(const std::string &text) { return fmt::format("<title>{}</title>", escape_markup(text)); }

}  // namespace mobula::tools
