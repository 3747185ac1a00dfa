#include "tools/report_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/clock.h"
#include "objects/history.h"
#include "objects/sampler.h"
#include "objects/victims.h"
#include "refs/object_id.h"
#include "tools/doctor_text.h"
#include "tools/labels.h"
#include "tools/leak_report.h"
#include "tools/memory_text.h"
#include "tools/report_leaks.h"
#include "tools/report_names.h"
#include "tools/report_series.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using objects::SampleRecord;
using segment::Segment;

class Reader {
 public:
  Reader(const Segment &segment, const ReportTime &time, Report *report)
      : segment_(segment),
        now_ns_(time.now_ns),
        began_ns_(segment.header().started_ns),
        leak_age_ns_(time.leak_age_ns),
        holdings_(tasks::read_holdings(segment, time.now_ns, is_alive)),
        deaths_(objects::read_deaths(segment)),
        report_(*report) {}

  void read() {
    read_samples();
    read_processes();
    read_activities();
    read_deaths();
    read_evictions();
    read_holdings();
    read_leaks();
    report_.bytes_ledger = ledger_line(holdings_.footprint);
  }

 private:
  double seconds(std::int64_t at_ns) const {
    return static_cast<double>(at_ns - began_ns_) / static_cast<double>(base::kNanosecondsPerSecond);
  }

  SampleRecord sample_now() const {
    SampleRecord now = objects::look_once(segment_);
    now.at_ns = now_ns_;
    now.freed = segment_.header().freed.load();
    now.evictions = segment_.header().evictions.load();
    for (const tasks::Task &task : holdings_.tasks) {
      if (!task.is_over) ++(task.runs() ? now.tasks_running : now.tasks_waiting);
    }
    return now;
  }

  void read_samples() {
    std::vector<SampleRecord> samples = objects::read_samples(segment_);
    if (!samples.empty()) report_.samples_before = samples.front().number - 1;
    samples.push_back(sample_now());
    for (const SampleRecord &sample : samples) {
      report_.samples.push_back({seconds(sample.at_ns), sample.used_bytes, sample.objects, sample.references,
                                 sample.freed, sample.evictions, sample.tasks_waiting, sample.tasks_running});
    }
    report_.sites = largest_shares(
        samples, &SampleRecord::sites, [this](const SampleRecord &, std::uint32_t id) { return name_of_site(id); },
        "everything else");
    report_.holders = largest_shares(
        samples, &SampleRecord::holders,
        [this](const SampleRecord &sample, std::uint32_t id) { return name_of_holder(sample, id); },
        "other processes; tasks, containers and names");
  }

  ShareName name_of_site(std::uint32_t id) const {
    std::string name = short_site(segment_, id);
    return {name.empty() ? 0 : id, std::move(name), whole_site(segment_, id)};
  }

  // A client id belongs to one process after the other: at a time to the one that was the first to die after it.
  ShareName name_of_holder(const SampleRecord &sample, std::uint32_t client) const {
    for (const objects::DeathRecord &death : deaths_) {
      if (death.client != client || death.ended_ns < sample.at_ns) continue;
      const std::string kind = death.is_actor ? "actor" : segment::name_of(death.kind);
      return {death.pid, fmt::format("{} {}", kind, death.pid), objects::describe(death)};
    }
    const ClientName name = client_name(segment_, client);
    return {name.pid, fmt::format("{} {}", name.kind, name.pid), short_command(name.pid)};
  }

  void read_processes() {
    std::map<std::uint32_t, std::size_t> place_of;
    for (std::uint32_t client = 1; client < clients_end(segment_); ++client) {
      const ClientName name = client_name(segment_, client);
      if (name.pid == 0 || name.is_ending) continue;
      const segment::ClientSlot &slot = segment_.client(client);
      place_of[client] = report_.processes.size();
      ReportProcess &process = report_.processes.emplace_back();
      process.pid = name.pid;
      process.kind = name.kind;
      process.command = short_command(name.pid);
      process.tasks_run = slot.tasks_run.load(std::memory_order_relaxed);
      if (slot.task_entry_plus_1.load(std::memory_order_acquire) == 0) continue;
      process.runs = function_of(segment_, slot.task_site.load(std::memory_order_relaxed));
      if (process.runs.empty()) process.runs = "a task";
      process.runs_since = seconds(static_cast<std::int64_t>(slot.task_since_ns.load(std::memory_order_relaxed)));
    }
    for (const tasks::Object &object : holdings_.objects) {
      for (const tasks::Holder &holder : holdings_.holders_of(object)) {
        const auto place = place_of.find(holder.client);
        if (place == place_of.end()) continue;
        ++report_.processes[place->second].objects;
        report_.processes[place->second].bytes += object.size_bytes;
      }
    }
  }

  void read_activities() {
    for (std::uint32_t client = 1; client < clients_end(segment_); ++client) {
      for (const objects::ActivityRecord &record : objects::read_activities(segment_, client)) {
        const bool is_wait = record.kind == segment::ActivityKind::kWait;
        report_.activities.push_back({record.pid, seconds(record.began_ns), seconds(record.ended_ns),
                                      is_wait ? short_site(segment_, record.site) : function_of(segment_, record.site),
                                      is_wait, end_text(record.end)});
      }
    }
    for (const ReportProcess &process : report_.processes) {
      if (process.runs.empty()) continue;
      report_.activities.push_back({process.pid, process.runs_since, seconds(now_ns_), process.runs, false, "running"});
    }
    std::stable_sort(report_.activities.begin(), report_.activities.end(),
                     [](const ReportActivity &a, const ReportActivity &b) {
                       return a.pid != b.pid ? a.pid < b.pid : a.begin < b.begin;
                     });
  }

  static const char *end_text(segment::ActivityEnd end) {
    if (end == segment::ActivityEnd::kThrew) return "threw";
    return end == segment::ActivityEnd::kFailed ? "failed" : "done";
  }

  void read_deaths() {
    using segment::DeathCause;
    report_.deaths = segment_.header().deaths.load();
    for (const objects::DeathRecord &death : deaths_) {
      const bool is_bad = death.cause == DeathCause::kSignal || death.cause == DeathCause::kMemory ||
                          death.cause == DeathCause::kExpelled ||
                          (death.cause == DeathCause::kExited && death.code != 0);
      std::string runs;
      if (death.task.entry != segment::kNoEntry) runs = function_of(segment_, death.task_site);
      report_.death_list.push_back({seconds(death.ended_ns), death.pid,
                                    death.is_actor ? "actor" : segment::name_of(death.kind), objects::describe(death),
                                    std::move(runs), is_bad});
    }
    std::reverse(report_.death_list.begin(), report_.death_list.end());
  }

  void read_evictions() {
    report_.evictions = objects::evictions_so_far(segment_);
    report_.evicted_bytes = segment_.header().evicted_bytes.load();
    std::uint64_t read = report_.evictions - std::min<std::uint64_t>(report_.evictions, base::kVictimsKept);
    std::vector<objects::EvictedObject> victims;
    objects::read_victims(segment_, &read, &victims);
    for (auto victim = victims.rbegin(); victim != victims.rend(); ++victim) {
      std::string why;
      for (const auto &[bit, word] :
           {std::pair{segment::Retained::kNamed, "named"}, std::pair{segment::Retained::kWeak, "weakly held"},
            std::pair{segment::Retained::kAsked, "retained"}}) {
        if (has(victim->retained, bit)) why += fmt::format("{}{}", why.empty() ? "" : ", ", word);
      }
      report_.eviction_list.push_back({seconds(static_cast<std::int64_t>(victim->evicted_ns)),
                                       refs::digits_of(refs::encode_id(segment_.header().epoch, victim->name)),
                                       victim->bytes, std::move(why)});
    }
  }

  struct Holding {
    ReportHolding told;
    std::map<std::uint32_t, std::uint64_t> bytes_by_client;
  };

  void read_holdings() {
    std::map<std::string, Holding> by_site;
    for (const tasks::Object &object : holdings_.objects) {
      Holding &holding = by_site[whole_site(segment_, object.site)];
      holding.told.site = short_site(segment_, object.site);
      holding.told.detail = whole_site(segment_, object.site);
      ++holding.told.objects;
      holding.told.bytes += object.size_bytes;
      const std::int64_t age_ms = (now_ns_ - object.created_ns) / base::kNanosecondsPerMillisecond;
      if (object.created_ns != 0) holding.told.oldest_ms = std::max(holding.told.oldest_ms, age_ms);
      for (const tasks::Holder &holder : holdings_.holders_of(object))
        holding.bytes_by_client[holder.client] += object.size_bytes;
    }
    for (auto &[site, holding] : by_site) {
      list_holders(&holding);
      report_.holdings.push_back(std::move(holding.told));
    }
    std::stable_sort(report_.holdings.begin(), report_.holdings.end(),
                     [](const ReportHolding &a, const ReportHolding &b) { return a.bytes > b.bytes; });
    if (report_.holdings.size() <= kHoldingsListed) return;
    report_.holdings_left_out = report_.holdings.size() - kHoldingsListed;
    report_.holdings.resize(kHoldingsListed);
  }

  void read_leaks() {
    Labels labels(segment_, holdings_);
    LeakReport found(segment_, holdings_, labels, report_.session, leak_age_ns_);
    report_.leak_age = format_age(leak_age_ns_ / base::kNanosecondsPerMillisecond);
    std::ostringstream text;
    found.json(text);
    const nlohmann::json json = nlohmann::json::parse(text.str(), nullptr, false);
    if (json.contains("leaks")) report_.leaks = group_leaks(json["leaks"]);
  }

  void list_holders(Holding *holding) const {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> sorted;
    for (const auto &[client, bytes] : holding->bytes_by_client) sorted.emplace_back(bytes, client);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto &a, const auto &b) { return a.first > b.first; });
    for (const auto &[bytes, client] : sorted) {
      if (holding->told.holders.size() == kHoldersListed) break;
      const ClientName name = client_name(segment_, client);
      holding->told.holders.push_back(client == 0 ? "the session" : fmt::format("{} {}", name.kind, name.pid));
    }
    holding->told.holders_left_out = sorted.size() - holding->told.holders.size();
  }

  const Segment &segment_;
  const std::int64_t now_ns_;
  const std::int64_t began_ns_;
  const std::int64_t leak_age_ns_;
  const tasks::Holdings holdings_;
  const std::vector<objects::DeathRecord> deaths_;
  Report &report_;
};

}  // namespace

Report read_report(const Segment &segment, const std::string &session, const ReportTime &time) {
  Report report;
  const segment::SegmentHeader &header = segment.header();
  report.session = session;
  report.made_at = utc_text(time.now_wall_ns);
  report.began_at = utc_text(time.now_wall_ns - (time.now_ns - header.started_ns));
  report.age_seconds =
      static_cast<double>(time.now_ns - header.started_ns) / static_cast<double>(base::kNanosecondsPerSecond);
  report.raylet_pid = header.raylet_pid;
  report.raylet_command = short_command(header.raylet_pid);
  report.capacity_bytes = segment.capacity_bytes();
  Reader(segment, time, &report).read();
  return report;
}

void add_ledgers(const std::string &session, const objects::Audit &audit, Report *report) {
  report->ledgers_agree = agrees(audit);
  report->ledgers = doctor_text(session, audit);
  // "Session NAME: " is said already.
  const std::string begin = "Session " + session + ": ";
  if (report->ledgers.starts_with(begin)) report->ledgers.erase(0, begin.size());
  report->ledgers.erase(report->ledgers.find_last_not_of('\n') + 1);
}

}  // namespace mobula::tools
