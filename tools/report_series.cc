#include "tools/report_series.h"

#include <algorithm>
#include <map>

namespace mobula::tools {
namespace {

using objects::SampleRecord;
using objects::ShareRecord;

std::uint64_t peak_of(const ReportShare &share) { return *std::max_element(share.bytes.begin(), share.bytes.end()); }

// What no share has.
ReportShare rest_of(const std::vector<SampleRecord> &samples, const std::vector<ReportShare> &shares) {
  ReportShare rest;
  rest.is_rest = true;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::uint64_t bytes = 0;
    std::uint64_t objects = 0;
    for (const ReportShare &share : shares) {
      bytes += share.bytes[i];
      objects += share.objects[i];
    }
    rest.bytes.push_back(samples[i].used_bytes - std::min(bytes, samples[i].used_bytes));
    rest.objects.push_back(samples[i].objects - std::min(objects, samples[i].objects));
  }
  return rest;
}

}  // namespace

std::vector<ReportShare> largest_shares(const std::vector<SampleRecord> &samples,
                                        std::vector<ShareRecord> SampleRecord::*of, const NameOfShare &name_of,
                                        const char *rest_name) {
  if (samples.empty()) return {};
  std::map<std::uint64_t, ReportShare> by_key;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (const ShareRecord &record : samples[i].*of) {
      ShareName name = name_of(samples[i], record.id);
      if (name.key == 0) continue;
      ReportShare &share = by_key[name.key];
      share.bytes.resize(samples.size());
      share.objects.resize(samples.size());
      share.bytes[i] += record.bytes;
      share.objects[i] += record.objects;
      share.name = std::move(name.name);
      share.detail = std::move(name.detail);
    }
  }
  std::vector<ReportShare> shares;
  for (auto &[key, share] : by_key) shares.push_back(std::move(share));
  std::stable_sort(shares.begin(), shares.end(),
                   [](const ReportShare &a, const ReportShare &b) { return peak_of(a) > peak_of(b); });
  if (shares.size() > kColors) shares.resize(kColors);
  ReportShare rest = rest_of(samples, shares);
  rest.name = rest_name;
  if (peak_of(rest) != 0) shares.push_back(std::move(rest));
  return shares;
}

}  // namespace mobula::tools
