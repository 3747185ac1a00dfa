// tools/plot.h: curves over time, as an SVG file and as one line for a terminal. Pure.
//   Cost       O(points)
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tools/svg_plot.h"

namespace mobula::tools {

struct Curve {
  std::string title;  // "bytes in use"
  bool is_bytes = false;
  std::vector<std::pair<double, double>> points;  // seconds, value; in the order of time
};

// One panel for each curve, one above the other, over the same time; marks are lines through all of them, with their
// text as a tooltip.
std::string plot_svg(const std::string &title, const std::vector<Curve> &curves, const std::vector<SvgMark> &marks);

// The largest value of each of `width` equal spans of time, in eight heights and a blank for none; in ASCII when the
// terminal knows no UTF-8.
std::string sparkline(const Curve &curve, std::size_t width, bool utf8);
// What the environment says of it: LC_ALL, else LC_CTYPE, else LANG.
bool terminal_knows_utf8();

}  // namespace mobula::tools
