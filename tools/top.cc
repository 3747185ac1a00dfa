#include "tools/top.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/units.h"
#include "objects/client_rows.h"
#include "objects/figures.h"
#include "segment/sites.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using nlohmann::json;
using segment::Segment;

double seconds_of(std::int64_t ns) { return static_cast<double>(ns) / base::kNanosecondsPerSecond; }

std::string function_of(const Segment &segment, std::uint32_t site) {
  const segment::SiteCopy copy = segment::read_site(segment, site);
  if (!copy.function.empty()) return copy.function;
  const std::string text = segment::describe(copy);
  return text.empty() ? "a task" : text;
}

std::vector<SiteTotal> total_sites(const Segment &segment) {
  std::map<std::uint32_t, SiteTotal> totals;
  const std::uint32_t entries = std::min(segment.entries_reserved(), base::kEntriesMax);
  for (std::uint32_t entry = 0; entry < entries; ++entry) {
    const segment::EntryHeader &header = segment.entry(entry);
    const std::uint64_t word = header.state.load(std::memory_order_acquire);
    if (refs::state_of(word) == refs::State::kFree) continue;
    const bool is_described = refs::is_described(word);
    if (is_described && !segment::is_object(objects::read_once(header.kind))) continue;
    const std::uint32_t site = is_described ? objects::read_once(header.site) : 0;
    SiteTotal &total = totals[site > base::kSitesMax ? 0 : site];
    ++total.objects;
    if (is_described) total.bytes += std::min(objects::read_once(header.size), segment.capacity_bytes());
  }
  std::vector<SiteTotal> sites;
  for (auto &[number, total] : totals) {
    total.site = segment::describe(segment::read_site(segment, number));
    if (total.site.empty()) total.site = "unknown";
    sites.push_back(std::move(total));
  }
  std::stable_sort(sites.begin(), sites.end(),
                   [](const SiteTotal &a, const SiteTotal &b) { return a.bytes > b.bytes; });
  if (sites.size() > kSitesShown) sites.resize(kSitesShown);
  return sites;
}

TopProcess read_process(const Segment &segment, const ClientFacts &client, const runtime::StoreStats &stats,
                        std::int64_t now_ns) {
  TopProcess process;
  process.facts = client;
  if (client.task) {
    process.function = function_of(segment, client.task->site);
    const bool is_possible = client.task->since_ns > 0 && client.task->since_ns <= now_ns;
    process.running_ns = is_possible ? now_ns - client.task->since_ns : 0;
  }
  for (const runtime::ProcessStats &one : stats.processes) {
    if (static_cast<std::uint32_t>(one.pid) != client.pid) continue;
    process.objects = one.objects;
    process.handles = one.handles;
  }
  return process;
}

std::uint64_t count_running(const TopLook &look) {
  return static_cast<std::uint64_t>(std::count_if(look.processes.begin(), look.processes.end(),
                                                  [](const TopProcess &one) { return one.facts.task.has_value(); }));
}

std::string head_text(const TopTitle &title, const TopLook &before, const TopLook &now, double rate) {
  const runtime::StoreStats &stats = now.stats;
  const auto grown = static_cast<std::int64_t>(stats.used_bytes) - static_cast<std::int64_t>(before.stats.used_bytes);
  const double percent = stats.capacity_bytes == 0
                             ? 0
                             : 100 * static_cast<double>(stats.used_bytes) / static_cast<double>(stats.capacity_bytes);
  return fmt::format(
      "Session {}, raylet pid {}, up {}; {} so far\n"
      "Bytes   {} of {} used ({:.1f} %), {}{} since the last look\n"
      "Objects {}: {} referenced, {} pinned, {} retained; {}\n"
      "Tasks   {:.0f} a second, {} running\n",
      title.session, title.raylet_pid, format_age(now.at_ns / base::kNanosecondsPerMillisecond),
      format_count(now.deaths, "death"), base::format_bytes(stats.used_bytes), base::format_bytes(stats.capacity_bytes),
      percent, grown < 0 ? "-" : "+", base::format_bytes(static_cast<std::uint64_t>(std::abs(grown))),
      format_count(stats.objects), format_count(stats.referenced_objects), format_count(stats.pinned_objects),
      format_count(stats.retained_objects), format_count(stats.references(), "reference"), rate,
      format_count(count_running(now)));
}

std::string processes_text(const TopLook &now, const std::vector<double> &rates) {
  Table table({{"PID", Table::Side::kRight},
               {"KIND"},
               {"TASKS/S", Table::Side::kRight},
               {"TASKS", Table::Side::kRight},
               {"OBJECTS", Table::Side::kRight},
               {"HANDLES", Table::Side::kRight},
               {"SINCE", Table::Side::kRight},
               {"RUNS"}});
  for (std::size_t i = 0; i < now.processes.size(); ++i) {
    const TopProcess &one = now.processes[i];
    table.add({std::to_string(one.facts.pid), kind_of(one.facts), fmt::format("{:.0f}", rates[i]),
               format_count(one.facts.tasks_run), format_count(one.objects), format_count(one.handles),
               one.function.empty() ? "-" : format_age(one.running_ns / base::kNanosecondsPerMillisecond),
               one.function.empty() ? "-" : one.function});
  }
  return now.processes.empty() ? "No process is in the session.\n" : table.text();
}

std::string sites_text(const TopLook &now) {
  if (now.sites.empty()) return "";
  Table table({{"SIZE", Table::Side::kRight}, {"OBJECTS", Table::Side::kRight}, {"PUT OR SUBMITTED AT"}});
  for (const SiteTotal &total : now.sites)
    table.add({base::format_bytes(total.bytes), format_count(total.objects), total.site});
  return table.text();
}

double sum_of(const std::vector<double> &rates) {
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum;
}

// Bytes that begin a character, so that a line is cut between two of them.
bool begins_character(char letter) { return (static_cast<unsigned char>(letter) & 0xc0) != 0x80; }

}  // namespace

TopLook take_top_look(const Segment &segment, std::int64_t now_ns) {
  TopLook look;
  look.at_ns = std::max<std::int64_t>(now_ns - segment.header().started_ns, 0);
  look.stats = objects::read_store_stats(segment);
  look.deaths = segment.header().deaths.load();
  for (const ClientFacts &client : read_clients(segment)) {
    if (is_in_session(client)) look.processes.push_back(read_process(segment, client, look.stats, now_ns));
  }
  std::sort(look.processes.begin(), look.processes.end(),
            [](const TopProcess &a, const TopProcess &b) { return a.facts.pid < b.facts.pid; });
  look.sites = total_sites(segment);
  return look;
}

std::vector<double> task_rates(const TopLook &before, const TopLook &now) {
  const double seconds = std::max(seconds_of(now.at_ns - before.at_ns), 1e-3);
  std::vector<double> rates;
  for (const TopProcess &one : now.processes) {
    const auto same = std::find_if(before.processes.begin(), before.processes.end(), [&one](const TopProcess &other) {
      return other.facts.client == one.facts.client && other.facts.generation == one.facts.generation;
    });
    const std::uint64_t earlier = same == before.processes.end() ? 0 : same->facts.tasks_run;
    rates.push_back(static_cast<double>(one.facts.tasks_run - std::min(earlier, one.facts.tasks_run)) / seconds);
  }
  return rates;
}

std::string top_text(const TopTitle &title, const TopLook &before, const TopLook &now) {
  const std::vector<double> rates = task_rates(before, now);
  return head_text(title, before, now, sum_of(rates)) + processes_text(now, rates) + sites_text(now);
}

json top_json(const TopTitle &title, const TopLook &before, const TopLook &now) {
  const std::vector<double> rates = task_rates(before, now);
  json processes = json::array();
  for (std::size_t i = 0; i < now.processes.size(); ++i) {
    const TopProcess &one = now.processes[i];
    json runs;
    if (one.facts.task) runs = {{"function", one.function}, {"seconds", seconds_of(one.running_ns)}};
    processes.push_back({{"pid", one.facts.pid},
                         {"kind", kind_of(one.facts)},
                         {"tasks_per_second", rates[i]},
                         {"tasks", one.facts.tasks_run},
                         {"objects", one.objects},
                         {"handles", one.handles},
                         {"runs", std::move(runs)}});
  }
  json sites = json::array();
  for (const SiteTotal &total : now.sites)
    sites.push_back({{"site", total.site}, {"objects", total.objects}, {"size_bytes", total.bytes}});
  return {{"session", title.session},
          {"raylet_pid", title.raylet_pid},
          {"seconds", seconds_of(now.at_ns)},
          {"capacity_bytes", now.stats.capacity_bytes},
          {"used_bytes", now.stats.used_bytes},
          {"objects", now.stats.objects},
          {"references", now.stats.references()},
          {"deaths", now.deaths},
          {"tasks_per_second", sum_of(rates)},
          {"tasks_running", count_running(now)},
          {"processes", std::move(processes)},
          {"sites", std::move(sites)}};
}

std::string terminal_frame(const std::string &text, std::size_t columns, std::size_t rows) {
  std::string frame = "\x1b[H";
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size() && lines < rows; ++lines) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::size_t cut = at;
    for (std::size_t letters = 0; cut < end; ++cut) {
      if (begins_character(text[cut]) && letters++ == columns) break;
    }
    // The last row without an end of line: it would scroll.
    frame += (lines == 0 ? "" : "\r\n") + text.substr(at, cut - at) + "\x1b[K";
    at = end + 1;
  }
  return frame + "\x1b[J";
}

}  // namespace mobula::tools
