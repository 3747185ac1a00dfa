// tools/report_leaks.h: the leaks of a report: those of `mobula leaks`, put together. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "tools/report.h"

namespace mobula::tools {

// From what LeakReport::json writes. Most bytes first.
std::vector<ReportLeak> group_leaks(const nlohmann::json &leaks);

}  // namespace mobula::tools
