// tools/report_series.h: from samples to what a plot shows of them: the largest shares over time, and the rest. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "objects/history.h"
#include "tools/report.h"

namespace mobula::tools {

struct ShareName {
  std::uint64_t key = 0;  // shares of one key are one; 0: nobody knows whose it is
  std::string name;
  std::string detail;
};
using NameOfShare = std::function<ShareName(const objects::SampleRecord &sample, std::uint32_t id)>;

// The kColors shares with the largest peaks, then the rest under that name if there ever is one. `of`: one of the lists
// of a sample.
std::vector<ReportShare> largest_shares(const std::vector<objects::SampleRecord> &samples,
                                        std::vector<objects::ShareRecord> objects::SampleRecord::*of,
                                        const NameOfShare &name_of, const char *rest_name);

}  // namespace mobula::tools
