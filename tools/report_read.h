// tools/report_read.h: fills in a report from a session's segment.
//   Process    reads the segment and /proc, and asks nobody: a stopped raylet is seen like any other
//   Errors     numbers in the segment may be damaged: each is checked before it is used as a place or a count
//   Cost       O(entries + records kept)
#pragma once

#include <string>

#include "objects/audit.h"
#include "segment/segment.h"
#include "tools/report.h"

namespace mobula::tools {

constexpr std::size_t kHoldingsListed = 25;
constexpr std::size_t kHoldersListed = 4;

struct ReportTime {
  std::int64_t now_ns = 0;       // CLOCK_MONOTONIC
  std::int64_t now_wall_ns = 0;  // since 1970
  std::int64_t leak_age_ns = 0;  // what nothing has needed for so long is a leak
};
Report read_report(const segment::Segment &segment, const std::string &session, const ReportTime &time);
// The line about the ledgers.
void add_ledgers(const std::string &session, const objects::Audit &audit, Report *report);

}  // namespace mobula::tools
