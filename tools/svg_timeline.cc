#include <fmt/format.h>

#include <algorithm>

#include "tools/markup.h"
#include "tools/svg_axis.h"
#include "tools/svg_plot.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

constexpr double kRowHeight = 22;
constexpr double kBarHeight = 14;
constexpr double kWaitHeight = 4;
constexpr double kNameWidth = 190;
constexpr double kNarrow = 1.5;  // bars of at most this width are put together with their neighbours
constexpr double kWidthMin = 1;

// What is drawn as one rectangle.
struct Group {
  const SvgBar *first = nullptr;
  double from = 0;
  double to = 0;
  std::size_t count = 0;
  double seconds = 0;
  std::size_t failed = 0;
};

bool joins(const Group &group, const SvgBar &bar, double from, double to) {
  const SvgBar &first = *group.first;
  return first.color == bar.color && first.is_wait == bar.is_wait && !first.is_running && !bar.is_running &&
         to - from <= kNarrow && from - group.to < kWidthMin && (group.count > 1 || group.to - group.from <= kNarrow);
}

std::vector<Group> groups_of(const SvgRow &row, const SvgAxis &axis, bool waits) {
  std::vector<Group> groups;
  for (const SvgBar &bar : row.bars) {
    if (bar.is_wait != waits || bar.end < axis.low || bar.begin > axis.high) continue;
    const double from = axis.place(bar.begin);
    const double to = axis.place(bar.end);
    if (groups.empty() || !joins(groups.back(), bar, from, to)) groups.push_back({&bar, from, to, 0, 0, 0});
    Group &group = groups.back();
    group.to = std::max(group.to, to);
    ++group.count;
    group.seconds += bar.end - bar.begin;
    group.failed += bar.has_failed ? 1 : 0;
  }
  return groups;
}

std::string text_of(const Group &group) {
  if (group.count == 1) return group.first->text;
  std::string text = fmt::format("{} in a row, {} in all, such as {}", format_count(group.count),
                                 format_duration(group.seconds), group.first->text);
  return group.failed == 0 ? text : text + fmt::format("; {} failed", format_count(group.failed));
}

std::string draw_group(const Group &group, double middle) {
  const SvgBar &bar = *group.first;
  const double height = bar.is_wait ? kWaitHeight : kBarHeight;
  std::string css_class = bar.is_wait ? "wait" : bar.color < kColors ? fmt::format("bar s{}", bar.color) : "bar rest";
  if (group.failed != 0) css_class += " failed";
  if (bar.is_running) css_class += " running";
  return fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\">{}</rect>\n", css_class,
                     coordinate(group.from), coordinate(middle - height / 2),
                     coordinate(std::max(group.to - group.from, kWidthMin)), coordinate(height),
                     svg_title(text_of(group)));
}

std::string draw_row(const SvgRow &row, const SvgAxis &axis, double middle) {
  std::string text = svg_text(kNameWidth - 8, middle + 4, "end", row.name);
  for (const bool waits : {false, true}) {
    for (const Group &group : groups_of(row, axis, waits)) text += draw_group(group, middle);
  }
  for (const SvgMark &end : row.ends) {
    if (end.at < axis.low || end.at > axis.high) continue;
    text += fmt::format("<path class=\"dead\" d=\"M{},{}m-5,-5l10,10m0,-10l-10,10\">{}</path>\n",
                        coordinate(axis.place(end.at)), coordinate(middle), svg_title(end.text));
  }
  return text;
}

}  // namespace

std::string plot_timeline(const SvgTimeline &timeline) {
  if (timeline.rows.empty()) return "";
  const double bottom = kMarginTop + kRowHeight * static_cast<double>(timeline.rows.size());
  const SvgAxis axis{timeline.begin, timeline.end, kNameWidth, kPlotWidth - kMarginRight};
  std::string text = svg_begin(timeline.label, bottom + kMarginBottom) + svg_time_axis(axis, kMarginTop, bottom);
  double middle = kMarginTop + kRowHeight / 2;
  for (const SvgRow &row : timeline.rows) {
    text += draw_row(row, axis, middle);
    middle += kRowHeight;
  }
  return text + "</svg>\n";
}

}  // namespace mobula::tools
