#include "tools/report_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/units.h"
#include "tools/report_html.h"

namespace mobula::tools {
namespace {

constexpr double kGapFactor = 3;
constexpr double kTimelinePadding = 0.01;  // of the span, on either side

// Between samples that are further apart than most, the raylet slept and nobody looked.
double gap_seconds_max(const std::vector<double> &times) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < times.size(); ++i) gaps.push_back(times[i] - times[i - 1]);
  if (gaps.empty()) return 0;
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  return *middle * kGapFactor;
}

SvgPlot plot_of(const Report &report, const char *label, SvgPlot::Unit unit) {
  SvgPlot plot;
  plot.label = label;
  plot.unit = unit;
  for (const ReportSample &sample : report.samples) plot.times.push_back(sample.at);
  plot.gap_seconds_max = gap_seconds_max(plot.times);
  for (const ReportDeath &death : report.death_list) {
    if (!death.is_bad) continue;
    plot.marks.push_back({death.at, fmt::format("{} {}: {}{}", death.kind, death.pid, death.how,
                                                death.runs.empty() ? "" : ", it ran " + death.runs)});
  }
  return plot;
}

void add(const Report &report, const char *name, std::uint64_t ReportSample::*number, std::uint32_t color,
         SvgPlot *plot) {
  SvgSeries &series = plot->series.emplace_back();
  series.name = name;
  series.color = color;
  for (const ReportSample &sample : report.samples) series.values.push_back(static_cast<double>(sample.*number));
}

// The functions that took the most time, each with the number of its colour.
std::map<std::string, std::uint32_t> color_functions(const Report &report, std::vector<std::string> *functions) {
  std::map<std::string, double> seconds;
  for (const ReportActivity &activity : report.activities) {
    if (!activity.is_wait) seconds[activity.what] += activity.end - activity.begin;
  }
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto &[name, time] : seconds) sorted.emplace_back(-time, name);
  std::sort(sorted.begin(), sorted.end());
  std::map<std::string, std::uint32_t> colors;
  for (std::size_t i = 0; i < sorted.size() && i < kColors; ++i) {
    colors[sorted[i].second] = static_cast<std::uint32_t>(i);
    functions->push_back(sorted[i].second);
  }
  return colors;
}

std::string text_of(const ReportActivity &activity) {
  const std::string how = activity.end_how == "done" ? "" : ", " + activity.end_how;
  const std::string what = activity.what.empty() ? "unknown" : activity.what;
  return fmt::format("{}{}: {}{}", activity.is_wait ? "waited at " : "", what,
                     format_duration(activity.end - activity.begin), how);
}

struct Rows {
  std::map<std::uint32_t, SvgRow> by_pid;
  std::map<std::uint32_t, double> last;  // when each did something last
};

std::string name_of(const Report &report, std::uint32_t pid) {
  for (const ReportProcess &process : report.processes) {
    if (process.pid == pid) return fmt::format("{} {}", process.kind, pid);
  }
  for (const ReportDeath &death : report.death_list) {
    if (death.pid == pid) return fmt::format("{} {}", death.kind, pid);
  }
  return fmt::format("process {}", pid);
}

Rows rows_of(const Report &report, const std::map<std::string, std::uint32_t> &colors) {
  Rows rows;
  for (const ReportActivity &activity : report.activities) {
    SvgRow &row = rows.by_pid[activity.pid];
    SvgBar &bar = row.bars.emplace_back();
    bar.begin = activity.begin;
    bar.end = std::max(activity.begin, activity.end);
    bar.text = text_of(activity);
    const auto color = colors.find(activity.what);
    bar.color = color == colors.end() || activity.is_wait ? static_cast<std::uint32_t>(kColors) : color->second;
    bar.is_wait = activity.is_wait;
    bar.has_failed = activity.end_how == "threw" || activity.end_how == "failed";
    bar.is_running = activity.end_how == "running";
    rows.last[activity.pid] = std::max(rows.last[activity.pid], bar.end);
  }
  for (const ReportDeath &death : report.death_list) {
    const auto row = rows.by_pid.find(death.pid);
    if (row != rows.by_pid.end()) row->second.ends.push_back({death.at, death.how});
  }
  return rows;
}

// Those that were the last to do something, by pid.
std::vector<std::uint32_t> shown_pids(const Rows &rows) {
  std::vector<std::pair<double, std::uint32_t>> sorted;
  for (const auto &[pid, last] : rows.last) sorted.emplace_back(-last, pid);
  std::sort(sorted.begin(), sorted.end());
  if (sorted.size() > kTimelineRowsMax) sorted.resize(kTimelineRowsMax);
  std::vector<std::uint32_t> pids;
  for (const auto &[last, pid] : sorted) pids.push_back(pid);
  std::sort(pids.begin(), pids.end());
  return pids;
}

}  // namespace

std::string plot_shares(const Report &report, const std::vector<ReportShare> &shares, const char *label) {
  SvgPlot plot = plot_of(report, label, SvgPlot::Unit::kBytes);
  for (const ReportShare &share : shares) {
    SvgSeries &series = plot.series.emplace_back();
    series.name =
        fmt::format("{}: {} now", share.name, base::format_bytes(share.bytes.empty() ? 0 : share.bytes.back()));
    series.color = static_cast<std::uint32_t>(share.is_rest ? kColors : plot.series.size() - 1);
    series.values.assign(share.bytes.begin(), share.bytes.end());
  }
  return plot_areas(plot);
}

std::string plot_references(const Report &report) {
  SvgPlot plot = plot_of(report, "Objects and references", SvgPlot::Unit::kCount);
  add(report, "objects", &ReportSample::objects, 0, &plot);
  add(report, "references", &ReportSample::references, 2, &plot);
  return plot_lines(plot);
}

std::string plot_tasks(const Report &report) {
  SvgPlot plot = plot_of(report, "Tasks running and waiting", SvgPlot::Unit::kCount);
  add(report, "running", &ReportSample::tasks_running, 0, &plot);
  add(report, "waiting", &ReportSample::tasks_waiting, 1, &plot);
  const auto is_zero = [](double value) { return value == 0; };
  const auto never = [&](const SvgSeries &series) {
    return std::all_of(series.values.begin(), series.values.end(), is_zero);
  };
  return std::all_of(plot.series.begin(), plot.series.end(), never) ? "" : plot_lines(plot);
}

TimelinePlot plot_activities(const Report &report) {
  TimelinePlot made;
  if (report.activities.empty()) return made;
  Rows rows = rows_of(report, color_functions(report, &made.functions));
  const std::vector<std::uint32_t> pids = shown_pids(rows);
  made.rows_left_out = rows.by_pid.size() - pids.size();
  SvgTimeline timeline;
  timeline.label = "Tasks and waits of each process";
  timeline.begin = report.age_seconds;
  for (const std::uint32_t pid : pids) {
    SvgRow &row = rows.by_pid[pid];
    row.name = name_of(report, pid);
    timeline.begin = std::min(timeline.begin, row.bars.front().begin);
    timeline.end = std::max(timeline.end, rows.last[pid]);
    for (const SvgMark &end : row.ends) timeline.end = std::max(timeline.end, end.at);
    timeline.rows.push_back(std::move(row));
  }
  const double padding = (timeline.end - timeline.begin) * kTimelinePadding;
  timeline.begin = std::max(0.0, timeline.begin - padding);
  timeline.end += padding;
  made.svg = plot_timeline(timeline);
  return made;
}

std::string color_style() {
  std::string text;
  for (std::size_t i = 0; i < kColors; ++i) {
    text += fmt::format(
        ".area.s{0}, .bar.s{0} {{ fill: var(--s{0}); }} .line.s{0} {{ stroke: var(--s{0}); }} "
        ".key.s{0} {{ background: var(--s{0}); }}\n",
        i);
  }
  return text + ".area.rest, .bar.rest { fill: var(--rest); } .key.rest, .key.wait { background: var(--rest); }\n";
}

}  // namespace mobula::tools
