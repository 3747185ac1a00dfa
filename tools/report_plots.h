// tools/report_plots.h: the plots of a report, as SVG. Pure.
#pragma once

#include <string>
#include <vector>

#include "tools/report.h"

namespace mobula::tools {

// Stacked, with marks where processes died that nobody had asked to. "" when there is only one sample.
std::string plot_shares(const Report &report, const std::vector<ReportShare> &shares, const char *label);
std::string plot_references(const Report &report);
// "" when there never was a task, too.
std::string plot_tasks(const Report &report);

struct TimelinePlot {
  std::string svg;                     // "" when nothing was done
  std::vector<std::string> functions;  // that have a colour, by its number
  std::size_t rows_left_out = 0;
};
TimelinePlot plot_activities(const Report &report);

// The rules that give the classes of series their colours.
std::string color_style();

}  // namespace mobula::tools
