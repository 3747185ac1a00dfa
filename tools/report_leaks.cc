#include "tools/report_leaks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

namespace mobula::tools {
namespace {

using nlohmann::json;

// "" for what is missing, null, or no text.
std::string text_of(const json &object, const char *key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}
std::uint64_t number_of(const json &object, const char *key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::uint64_t>() : 0;
}

// "train.cpp:88 make_batch()" of "/src/train.cpp:88 make_batch()".
std::string without_folders(const std::string &site) {
  const std::size_t slash = site.rfind('/', site.find(' '));
  return slash == std::string::npos ? site : site.substr(slash + 1);
}

std::string site_of(const json &leak) {
  const auto created_at = leak.find("created_at");
  return created_at != leak.end() && created_at->is_object() ? text_of(*created_at, "text") : "";
}

}  // namespace

std::vector<ReportLeak> group_leaks(const json &leaks) {
  using Key = std::tuple<std::string, std::uint64_t, std::string, std::string>;
  std::map<Key, ReportLeak> groups;
  for (const json &leak : leaks) {
    const std::string site = site_of(leak);
    const std::uint64_t pid = number_of(leak, "pid");
    ReportLeak &group = groups[{site, pid, text_of(leak, "site"), text_of(leak, "kept_by")}];
    group.site = without_folders(site);
    group.detail = site;
    group.keeper = pid == 0 ? text_of(leak, "process") : fmt::format("{} {}", text_of(leak, "process"), pid);
    group.taken_at = without_folders(text_of(leak, "site"));
    group.why = text_of(leak, "why");
    group.to_free = text_of(leak, "to_free");
    ++group.objects;
    group.bytes += number_of(leak, "size_bytes");
    group.idle_ms = std::max(group.idle_ms, static_cast<std::int64_t>(number_of(leak, "idle_ms")));
  }
  std::vector<ReportLeak> sorted;
  for (auto &[key, group] : groups) sorted.push_back(std::move(group));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ReportLeak &a, const ReportLeak &b) { return a.bytes > b.bytes; });
  return sorted;
}

}  // namespace mobula::tools
