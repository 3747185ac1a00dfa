// tools/report_json.h: a report for programs. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tools/report.h"

namespace mobula::tools {

// {"session", "maker", "made_at", "began_at", "age_seconds", "raylet": {"pid", "command"}, "capacity_bytes",
// "evicted_bytes", "deaths_so_far", "evictions_so_far", "samples_before", "ledgers": {"agree", "text", "bytes"},
// "samples": [{"at", "used_bytes", "objects", "references", "freed", "evictions", "tasks_waiting", "tasks_running"}],
// "sites" and "holders": [{"name", "detail", "is_rest", "bytes": [of each sample], "objects": [of each sample]}],
// "leak_age", "processes", "activities", "deaths", "evictions", "leaks", "holdings":
// [with the fields of tools/report.h], "holdings_left_out"}. Times are in seconds since the session began.
nlohmann::json report_json(const Report &report);

}  // namespace mobula::tools
