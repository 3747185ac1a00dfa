#include "client/leak_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "client/session.h"
#include "segment/sites.h"

namespace mobula::client {
namespace {

std::string_view variable(const char *name) {
  const char *const text = std::getenv(name);
  return text == nullptr ? "" : text;
}

// --- the exit status ------------------------------------------------------------------------------------------------

pid_t told_by = 0;  // a child that is forked afterwards has told nothing

void exit_handler(int status, void *) {
  const std::string_view text = variable("MOBULA_LEAK_CHECK_EXIT");
  int code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  const bool is_code = error == std::errc() && end == text.data() + text.size();
  if (told_by != getpid() || status != EXIT_SUCCESS || !is_code) return;
  std::cout.flush();
  std::fflush(nullptr);
  _exit(code);
}

// --- what is held ---------------------------------------------------------------------------------------------------

struct Group {
  std::uint64_t objects = 0;
  std::uint64_t handles = 0;
  std::uint64_t pins = 0;
  std::uint64_t drafts = 0;
  std::uint64_t bytes = 0;
};

// By the line that took the first handle: of what the process has made itself that is the line that made it.
std::map<std::uint32_t, Group> groups_of(const tasks::Holdings &holdings, std::uint32_t client,
                                         std::int64_t min_age_ns) {
  std::map<std::uint32_t, Group> groups;
  for (const tasks::Object &object : holdings.objects) {
    if (object.is_actor()) continue;
    for (const tasks::Holder &holder : holdings.holders_of(object)) {
      const std::int64_t needed_ns = std::max({object.created_ns, object.last_taken_ns, holder.since_ns});
      if (holder.client != client || holdings.read_ns - needed_ns < min_age_ns) continue;
      Group &group = groups[holder.site != 0 ? holder.site : object.site];
      ++group.objects;
      group.handles += object.is_draft ? 0 : holder.handles_beside_pins();
      group.pins += holder.pins;
      group.drafts += object.is_draft ? 1 : 0;
      group.bytes += object.size_bytes;
    }
  }
  return groups;
}

std::string line_of(const Group &group, const std::string &site) {
  std::string text = fmt::format("  {} bytes in {} object(s)", group.bytes, group.objects);
  if (group.handles != 0) text += ", " + base::counted(group.handles, "handle");
  if (group.pins != 0) text += ", " + base::counted(group.pins, "pin");
  if (group.drafts != 0) text += fmt::format(", {} never sealed", group.drafts);
  return text + ": " + (site.empty() ? "an unknown line" : site) + "\n";
}

}  // namespace

std::optional<std::int64_t> leak_check_age_ns(std::string_view text) {
  if (text.empty() || text == "0") return std::nullopt;
  if (text == "1") return 0;
  // What is no length of time asks for the check all the same.
  return base::parse_duration_ms(text).value_or(0) * base::kNanosecondsPerMillisecond;
}

std::string describe_held(const segment::Segment &segment, const tasks::Holdings &holdings, std::uint32_t client,
                          std::int64_t min_age_ns, const std::string &session) {
  const std::map<std::uint32_t, Group> groups = groups_of(holdings, client, min_age_ns);
  if (groups.empty()) return "";
  std::vector<std::pair<std::uint32_t, Group>> sorted(groups.begin(), groups.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto &a, const auto &b) { return a.second.bytes > b.second.bytes; });
  std::string text =
      fmt::format("==={}===ERROR: Mobula: objects that this process holds at ray::Shutdown of session {}\n",
                  holdings.processes[client].pid, session);
  Group sum;
  for (const auto &[site, group] : sorted) {
    text += line_of(group, segment::describe(segment::read_site(segment, site)));
    sum.objects += group.objects;
    sum.bytes += group.bytes;
  }
  return text + fmt::format("SUMMARY: Mobula: {} bytes leaked in {} object(s)\n", sum.bytes, sum.objects);
}

void prepare_leak_check() {
  if (!leak_check_age_ns(variable("MOBULA_LEAK_CHECK"))) return;
  static const int registered = on_exit(exit_handler, nullptr);
  static_cast<void>(registered);
}

void check_leaks(Session &session) {
  const std::optional<std::int64_t> min_age_ns = leak_check_age_ns(variable("MOBULA_LEAK_CHECK"));
  if (!min_age_ns) return;
  const tasks::Holdings holdings = tasks::read_holdings(session.segment(), base::monotonic_ns());
  if (session.client_id() >= holdings.processes.size()) return;
  const std::string text = describe_held(session.segment(), holdings, session.client_id(), *min_age_ns, session.name());
  if (text.empty()) return;
  told_by = getpid();
  std::fputs(text.c_str(), stderr);
}

}  // namespace mobula::client
