#include "tools/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

namespace mobula::tools {
namespace {

using nlohmann::json;

constexpr const char *kFormat = "mobula snapshot 1";

Status unreadable(const std::string &path, const std::string &why) {
  return base::failure(Code::kInvalidArgument, fmt::format("snapshot {}: {}", path, why));
}

std::int64_t difference(std::uint64_t now, std::uint64_t before) {
  return static_cast<std::int64_t>(now) - static_cast<std::int64_t>(before);
}

}  // namespace

Snapshot take_snapshot(const tasks::Holdings &holdings, Labels &labels) {
  std::map<std::uint32_t, SiteSum> by_number;
  for (const tasks::Object &object : holdings.objects) {
    SiteSum &sum = by_number[object.site];
    ++sum.objects;
    sum.bytes += object.size_bytes;
  }
  Snapshot snapshot;
  for (const auto &[number, sum] : by_number) {
    SiteSum &whole = snapshot[labels.site(number).text];
    whole.objects += sum.objects;
    whole.bytes += sum.bytes;
  }
  return snapshot;
}

Status save_snapshot(const Snapshot &snapshot, const std::string &path) {
  json sites = json::array();
  for (const auto &[site, sum] : snapshot) {
    sites.push_back({{"site", site}, {"objects", sum.objects}, {"bytes", sum.bytes}});
  }
  std::ofstream file(path);
  file << json({{"format", kFormat}, {"sites", std::move(sites)}}).dump(1, ' ', false, json::error_handler_t::replace)
       << "\n";
  file.close();
  return file ? nullptr : unreadable(path, std::strerror(errno));
}

Status load_snapshot(const std::string &path, Snapshot *snapshot) {
  std::ifstream file(path);
  if (!file) return unreadable(path, std::strerror(errno));
  const json content = json::parse(file, nullptr, false);
  if (!content.is_object() || content.value("format", json()) != kFormat ||
      !content.value("sites", json()).is_array()) {
    return unreadable(path, "this is no file that mobula leaks --save has written");
  }
  for (const json &site : content["sites"]) {
    if (!site.is_object() || !site.contains("site") || !site["site"].is_string()) continue;
    const auto number = [&site](const char *key) {
      return site.contains(key) && site[key].is_number_unsigned() ? site[key].get<std::uint64_t>() : 0;
    };
    (*snapshot)[site["site"].get<std::string>()] = {number("objects"), number("bytes")};
  }
  return nullptr;
}

std::vector<Growth> compare(const Snapshot &before, const Snapshot &now) {
  std::vector<Growth> grown;
  for (const auto &[site, sum] : now) {
    const auto at = before.find(site);
    const SiteSum then = at == before.end() ? SiteSum() : at->second;
    grown.push_back({site, difference(sum.objects, then.objects), difference(sum.bytes, then.bytes)});
  }
  for (const auto &[site, sum] : before) {
    if (!now.contains(site)) grown.push_back({site, difference(0, sum.objects), difference(0, sum.bytes)});
  }
  std::erase_if(grown, [](const Growth &growth) { return growth.objects == 0 && growth.bytes == 0; });
  std::stable_sort(grown.begin(), grown.end(), [](const Growth &a, const Growth &b) { return a.bytes > b.bytes; });
  return grown;
}

}  // namespace mobula::tools
