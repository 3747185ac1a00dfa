#include "tools/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "tools/markup.h"
#include "tools/svg_axis.h"

namespace mobula::tools {
namespace {

constexpr double kTop = 36;  // the title's part
constexpr double kPanelHeight = 230;
constexpr double kPanelGap = 30;
constexpr std::size_t kMarksMax = 2000;
// What the page of a report says in its own sheet.
constexpr const char *kStyle =
    "text{font:12px sans-serif;fill:#444} .title{font-size:15px} .name{font-weight:bold}\n"
    ".grid{stroke:#e4e4e4} .axis{stroke:#777} .line{fill:none;stroke-width:1.5;stroke-linejoin:round}\n"
    ".s0{stroke:#1f6feb} .s1{stroke:#bf4b00} .s2{stroke:#1a7f37}\n"
    ".mark line{stroke:#c00;stroke-opacity:.3} .mark path{fill:#c00}";

double largest(const Curve &curve) {
  double value = 0;
  for (const auto &point : curve.points) value = std::max(value, point.second);
  return value;
}

// The curve as a plot of its own, `top` below the upper end of the drawing.
std::string panel_svg(const Curve &curve, std::uint32_t color, const std::vector<SvgMark> &marks, double top) {
  SvgPlot plot;
  plot.label = curve.title;
  plot.gap_seconds_max = INFINITY;
  plot.marks = marks;
  plot.unit = curve.is_bytes ? SvgPlot::Unit::kBytes : SvgPlot::Unit::kCount;
  SvgSeries series{curve.title, {}, color};
  for (const auto &[seconds, value] : curve.points) {
    plot.times.push_back(seconds);
    series.values.push_back(value);
  }
  plot.series.push_back(std::move(series));
  std::string text = plot_lines(plot);
  const std::string begin = "<svg ";
  if (text.starts_with(begin)) {
    text.insert(begin.size(), fmt::format("y=\"{}\" width=\"{}\" height=\"{}\" ", coordinate(top),
                                          coordinate(kPlotWidth), coordinate(kPanelHeight)));
  }
  return fmt::format("<text x=\"10\" y=\"{}\" class=\"name\">{}</text>\n", coordinate(top - 2),
                     escape_markup(curve.title)) +
         text;
}

}  // namespace

std::string plot_svg(const std::string &title, const std::vector<Curve> &curves, const std::vector<SvgMark> &marks) {
  const std::vector<SvgMark> drawn(marks.begin(),
                                   marks.begin() + static_cast<std::ptrdiff_t>(std::min(marks.size(), kMarksMax)));
  const double height = kTop + static_cast<double>(curves.size()) * (kPanelHeight + kPanelGap);
  std::string text = svg_begin(title, height);
  text += fmt::format("{}\n<style>{}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", svg_title(title),
                      kStyle);
  text += fmt::format("<text x=\"10\" y=\"20\" class=\"title\">{}</text>\n", escape_markup(title));
  for (std::size_t i = 0; i < curves.size(); ++i) {
    text += panel_svg(curves[i], static_cast<std::uint32_t>(i), drawn,
                      kTop + kPanelGap + static_cast<double>(i) * (kPanelHeight + kPanelGap) - kPanelGap / 2);
  }
  return text + "</svg>\n";
}

std::string sparkline(const Curve &curve, std::size_t width, bool utf8) {
  static constexpr const char *kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr const char *kLetters[] = {"_", ".", "-", "=", "+", "*", "%", "#"};
  constexpr std::size_t kHeights = std::size(kBlocks);
  if (curve.points.empty() || width == 0) return "";
  const double first = curve.points.front().first;
  const double span = std::max(curve.points.back().first - first, 1e-9);
  std::vector<double> columns(width, 0);
  std::vector<bool> is_known(width, false);
  for (const auto &[second, value] : curve.points) {
    const double place = (second - first) / span * static_cast<double>(width);
    const std::size_t column = std::min(static_cast<std::size_t>(std::max(place, 0.0)), width - 1);
    columns[column] = is_known[column] ? std::max(columns[column], value) : value;
    is_known[column] = true;
  }
  const double top = std::max(largest(curve), 1e-9);
  std::string text;
  for (std::size_t i = 0; i < width; ++i) {
    if (!is_known[i] && i != 0) columns[i] = columns[i - 1];
    const auto height = static_cast<std::size_t>(std::ceil(std::max(columns[i], 0.0) / top * kHeights));
    const std::size_t step = std::min(height, kHeights);
    if (step == 0) {
      text += ' ';
    } else {
      text += utf8 ? kBlocks[step - 1] : kLetters[step - 1];
    }
  }
  return text;
}

bool terminal_knows_utf8() {
  for (const char *name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char *const value = std::getenv(name);
    if (value == nullptr || value[0] == '\0') continue;
    const std::string text = value;
    return text.find("UTF-8") != std::string::npos || text.find("utf8") != std::string::npos ||
           text.find("UTF8") != std::string::npos || text.find("utf-8") != std::string::npos;
  }
  return false;
}

}  // namespace mobula::tools
