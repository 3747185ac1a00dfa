// tools/svg_plot.h: plots as SVG, for a page that styles its classes. Pure: the same figures give the same bytes.
//   Layout     classes: s0 to s7 and rest for series, axis, grid, mark, dead, wait, failed, running
//   Errors     every text is escaped; numbers that are no numbers count as 0
//   Cost       O(points)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mobula::tools {

constexpr std::size_t kColors = 8;

struct SvgSeries {
  std::string name;            // told when the pointer rests on it
  std::vector<double> values;  // one for each of the times
  std::uint32_t color = 0;     // kColors and above: rest
};
struct SvgMark {
  double at = 0;
  std::string text;
};
struct SvgPlot {
  enum class Unit { kBytes, kCount };
  std::string label;          // for those who cannot see it
  std::vector<double> times;  // seconds, ascending
  // Between samples further apart nobody looked: the earlier values stay until the later ones.
  double gap_seconds_max = 0;
  std::vector<SvgSeries> series;
  std::vector<SvgMark> marks;
  Unit unit = Unit::kCount;
};

// The first series lies at the bottom. "" when there are fewer than two times.
std::string plot_areas(const SvgPlot &plot);
std::string plot_lines(const SvgPlot &plot);

struct SvgBar {
  double begin = 0;
  double end = 0;
  std::string text;
  std::uint32_t color = 0;  // as of SvgSeries
  bool is_wait = false;     // drawn thin, over what it is a part of
  bool has_failed = false;
  bool is_running = false;
};
struct SvgRow {
  std::string name;
  std::vector<SvgBar> bars;   // of one process, by begin
  std::vector<SvgMark> ends;  // how it died
};
struct SvgTimeline {
  std::string label;
  double begin = 0;
  double end = 0;
  std::vector<SvgRow> rows;
};
// Bars of one colour that are too narrow to be seen alone are drawn as one. "" when there are no rows.
std::string plot_timeline(const SvgTimeline &timeline);

// "0.5 s", "90 s", "3:20", "1:03:20": a moment, when the axis goes on to `until`.
std::string format_moment(double seconds, double until);
// "820 us", "15 ms", "2.5 s", "3 min": how long something took.
std::string format_duration(double seconds);

}  // namespace mobula::tools
