// tools/svg_axis.h: what all plots have: a frame, round numbers along its sides, the way from values to places. Pure.
#pragma once

#include <string>
#include <vector>

#include "tools/svg_plot.h"

namespace mobula::tools {

constexpr double kPlotWidth = 960;
constexpr double kMarginTop = 14;
constexpr double kMarginRight = 14;
constexpr double kMarginBottom = 26;

struct SvgTick {
  double at = 0;
  std::string text;
};
// Round values from `low` to `high`.
std::vector<SvgTick> time_ticks(double low, double high);
// From 0 to the first at or above `high`.
std::vector<SvgTick> value_ticks(double high, SvgPlot::Unit unit);

// One side of a plot.
struct SvgAxis {
  double low = 0;
  double high = 1;
  double from = 0;  // the place of `low`
  double to = 1;
  double place(double value) const {
    const double part = high > low ? (value - low) / (high - low) : 0;
    return from + (to - from) * (part < 0 ? 0 : part > 1 ? 1 : part);
  }
};

std::string svg_begin(const std::string &label, double height);
std::string svg_time_axis(const SvgAxis &axis, double top, double bottom);
// A text of the class at that place. `anchor`: start, middle or end.
std::string svg_text(double x, double y, const char *anchor, const std::string &text);
std::string svg_line(double x1, double y1, double x2, double y2, const char *css_class);
// "<title>text</title>".
std::string svg_title(const std::string &text);

}  // namespace mobula::tools
