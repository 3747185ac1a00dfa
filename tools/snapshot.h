// tools/snapshot.h: what a session held by call site at some moment, kept in a file to see what has grown since.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/labels.h"

namespace mobula::tools {

struct SiteSum {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};
// By the text of the creating call site.
using Snapshot = std::map<std::string, SiteSum>;

Snapshot take_snapshot(const tasks::Holdings &holdings, Labels &labels);
Status save_snapshot(const Snapshot &snapshot, const std::string &path);
Status load_snapshot(const std::string &path, Snapshot *snapshot);

struct Growth {
  std::string site;  // "" when unknown
  std::int64_t objects = 0;
  std::int64_t bytes = 0;
};
// The sites that differ, largest growth first.
std::vector<Growth> compare(const Snapshot &before, const Snapshot &now);

}  // namespace mobula::tools
