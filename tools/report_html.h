// tools/report_html.h: a report as one page that needs nothing else: no script, no font, no other file. Pure.
//   Errors     every text of the session is escaped
#pragma once

#include <string>

#include "tools/report.h"

namespace mobula::tools {

constexpr std::size_t kTimelineRowsMax = 60;
constexpr std::size_t kTableRowsMax = 200;

std::string report_html(const Report &report);

}  // namespace mobula::tools
