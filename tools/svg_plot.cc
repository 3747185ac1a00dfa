#include "tools/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/markup.h"
#include "tools/svg_axis.h"

namespace mobula::tools {
namespace {

constexpr double kHeight = 230;
constexpr double kMarginLeft = 76;

double finite(double value) { return std::isfinite(value) ? value : 0; }

// With a second point where the time between two samples is too long to draw a straight line.
SvgPlot with_gaps_held(const SvgPlot &plot) {
  SvgPlot held = plot;
  held.times.clear();
  for (SvgSeries &series : held.series) series.values.clear();
  for (std::size_t i = 0; i < plot.times.size(); ++i) {
    const bool is_after_gap = i > 0 && plot.times[i] - plot.times[i - 1] > plot.gap_seconds_max;
    if (is_after_gap) held.times.push_back(plot.times[i]);
    held.times.push_back(plot.times[i]);
    for (std::size_t k = 0; k < plot.series.size(); ++k) {
      const std::vector<double> &values = plot.series[k].values;
      if (is_after_gap) held.series[k].values.push_back(i - 1 < values.size() ? finite(values[i - 1]) : 0);
      held.series[k].values.push_back(i < values.size() ? finite(values[i]) : 0);
    }
  }
  return held;
}

double largest_value(const SvgPlot &plot) {
  double largest = 0;
  for (const SvgSeries &series : plot.series) {
    for (const double value : series.values) largest = std::max(largest, value);
  }
  return largest;
}

struct Frame {
  SvgAxis x;
  SvgAxis y;
  std::vector<SvgTick> ticks;
};

Frame frame_of(const SvgPlot &plot) {
  Frame frame;
  frame.ticks = value_ticks(largest_value(plot), plot.unit);
  frame.x = {plot.times.front(), plot.times.back(), kMarginLeft, kPlotWidth - kMarginRight};
  frame.y = {0, frame.ticks.back().at, kHeight - kMarginBottom, kMarginTop};
  return frame;
}

std::string draw_frame(const Frame &frame) {
  std::string text = svg_time_axis(frame.x, frame.y.to, frame.y.from);
  for (const SvgTick &tick : frame.ticks) {
    const double y = frame.y.place(tick.at);
    if (tick.at != 0) text += svg_line(frame.x.from, y, frame.x.to, y, "grid");
    text += svg_text(frame.x.from - 8, y + 4, "end", tick.text);
  }
  return text;
}

// "12,3 4,5": the line through all points; those on a straight level are left out.
std::string points_of(const SvgPlot &plot, const Frame &frame, const std::vector<double> &values) {
  std::string points;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool is_inside = i > 0 && i + 1 < values.size();
    if (is_inside && values[i - 1] == values[i] && values[i + 1] == values[i]) continue;
    points += fmt::format("{}{},{}", points.empty() ? "" : " ", coordinate(frame.x.place(plot.times[i])),
                          coordinate(frame.y.place(values[i])));
  }
  return points;
}

std::string class_of(const SvgSeries &series) {
  return series.color < kColors ? fmt::format("s{}", series.color) : "rest";
}

std::string draw_marks(const SvgPlot &plot, const Frame &frame) {
  std::string text;
  for (const SvgMark &mark : plot.marks) {
    if (mark.at < frame.x.low || mark.at > frame.x.high) continue;
    const double x = frame.x.place(mark.at);
    text += fmt::format("<g class=\"mark\">{}{}<path d=\"M{},{}l-4,-8h8z\"/></g>\n", svg_title(mark.text),
                        svg_line(x, frame.y.to, x, frame.y.from, "mark"), coordinate(x), coordinate(frame.y.to + 2));
  }
  return text;
}

}  // namespace

// Each area reaches down to the axis and is drawn over by those below it.
std::string plot_areas(const SvgPlot &plot) {
  if (plot.times.size() < 2) return "";
  SvgPlot sums = with_gaps_held(plot);
  for (std::size_t k = 1; k < sums.series.size(); ++k) {
    for (std::size_t i = 0; i < sums.times.size(); ++i) sums.series[k].values[i] += sums.series[k - 1].values[i];
  }
  const Frame frame = frame_of(sums);
  std::string text = svg_begin(plot.label, kHeight) + draw_frame(frame);
  const std::string right = fmt::format("{},{}", coordinate(frame.x.to), coordinate(frame.y.from));
  const std::string left = fmt::format("{},{}", coordinate(frame.x.from), coordinate(frame.y.from));
  for (std::size_t k = sums.series.size(); k-- > 0;) {
    text += fmt::format("<polygon class=\"area {}\" points=\"{} {} {}\">{}</polygon>\n", class_of(sums.series[k]),
                        points_of(sums, frame, sums.series[k].values), right, left, svg_title(sums.series[k].name));
  }
  return text + draw_marks(plot, frame) + "</svg>\n";
}

std::string plot_lines(const SvgPlot &plot) {
  if (plot.times.size() < 2) return "";
  const SvgPlot held = with_gaps_held(plot);
  const Frame frame = frame_of(held);
  std::string text = svg_begin(plot.label, kHeight) + draw_frame(frame);
  for (const SvgSeries &series : held.series) {
    text += fmt::format("<polyline class=\"line {}\" points=\"{}\">{}</polyline>\n", class_of(series),
                        points_of(held, frame, series.values), svg_title(series.name));
  }
  return text + draw_marks(plot, frame) + "</svg>\n";
}

}  // namespace mobula::tools
