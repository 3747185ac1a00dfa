#include "tools/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "objects/figures.h"
#include "objects/victims.h"
#include "refs/object_id.h"
#include "segment/sites.h"
#include "tools/object_digits.h"
#include "tools/processes.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using nlohmann::json;
using objects::ActivityRecord;
using segment::ActivityEnd;
using segment::ActivityKind;

constexpr double kNanosecondsPerMicrosecond = 1000;

class TimelineReader {
 public:
  TimelineReader(const segment::Segment &segment, int raylet_pid, std::int64_t now_ns)
      : segment_(segment), started_ns_(segment.header().started_ns), end_ns_(now_ns - started_ns_) {
    timeline_.raylet_pid = static_cast<std::uint32_t>(raylet_pid);
  }

  Timeline read() {
    read_deaths();
    for (const ClientFacts &client : read_clients(segment_)) read_client(client);
    read_evictions();
    read_samples();
    track(timeline_.raylet_pid).name = "raylet";
    for (auto &[pid, one] : tracks_) {
      timeline_.left_out += assign_lanes(&one.slices);
      timeline_.tracks.push_back(std::move(one));
    }
    return std::move(timeline_);
  }

 private:
  Track &track(std::uint32_t pid) {
    Track &one = tracks_[pid];
    one.pid = pid;
    return one;
  }
  // Within the session's life: a client may have written anything.
  bool is_possible(std::int64_t began_ns, std::int64_t ended_ns) const {
    return began_ns >= 0 && began_ns <= ended_ns && ended_ns <= end_ns_;
  }
  // "" for none, as of a wait for several objects.
  std::string digits(const refs::ObjectName &name) const {
    if (name.entry == segment::kNoEntry) return "";
    return digits_of(refs::encode_id(segment_.header().epoch, name));
  }

  void read_deaths() {
    for (const objects::DeathRecord &death : objects::read_deaths(segment_)) {
      const char *const kind = death.is_actor ? "actor" : segment::name_of(death.kind);
      track(death.pid).name = fmt::format("{}, ended", kind);
      const std::int64_t at_ns = death.ended_ns - started_ns_;
      if (!is_possible(at_ns, at_ns)) continue;
      std::string name = objects::describe(death);
      const std::string function = function_of(death.task_site);
      if (death.task.entry != segment::kNoEntry && !function.empty()) name += " in " + function;
      timeline_.instants.push_back({at_ns, death.pid, name, "death", digits(death.task)});
    }
  }

  void read_client(const ClientFacts &client) {
    if (client.kind != segment::ClientKind::kNone) {
      track(client.pid).name = title_of(client);
    }
    const std::vector<ActivityRecord> activities = objects::read_activities(segment_, client.client);
    for (const ActivityRecord &activity : activities) add(activity);
    if (is_in_session(client) && client.task) {
      const std::int64_t began_ns = client.task->since_ns - started_ns_;
      if (is_possible(began_ns, end_ns_))
        track(client.pid)
            .slices.push_back(
                {began_ns, end_ns_, name_of_task(client.task->site), "task", digits(client.task->result), "runs", 0});
    }
    if (activities.empty() || activities.front().number <= 1) return;
    timeline_.reaches.push_back(
        {activities.back().pid, activities.front().began_ns - started_ns_, activities.front().number - 1});
  }

  void add(const ActivityRecord &activity) {
    const std::int64_t began_ns = activity.began_ns - started_ns_;
    const std::int64_t ended_ns = activity.ended_ns - started_ns_;
    const bool is_task = activity.kind == ActivityKind::kTask;
    if (!is_possible(began_ns, ended_ns) || (!is_task && activity.kind != ActivityKind::kWait)) {
      ++timeline_.left_out;
      return;
    }
    Track &of = track(activity.pid);
    if (of.name.empty()) of.name = "ended";
    const std::string site = segment::describe(segment::read_site(segment_, activity.site));
    of.slices.push_back({began_ns, ended_ns,
                         is_task ? name_of_task(activity.site) : "wait" + (site.empty() ? "" : " at " + site),
                         is_task ? "task" : "wait", digits(activity.name), name_of(activity.end), 0});
  }

  // Of a task's site the function; without "in".
  std::string function_of(std::uint32_t site) const {
    const segment::SiteCopy copy = segment::read_site(segment_, site);
    return copy.function.empty() ? segment::describe(copy) : copy.function;
  }
  std::string name_of_task(std::uint32_t site) const {
    const std::string function = function_of(site);
    return function.empty() ? "task" : function;
  }
  static const char *name_of(ActivityEnd end) {
    return end == ActivityEnd::kThrew ? "threw" : end == ActivityEnd::kFailed ? "failed" : "done";
  }

  void read_evictions() {
    const std::uint64_t last = objects::evictions_so_far(segment_);
    std::uint64_t from = last - std::min<std::uint64_t>(last, base::kVictimsKept);
    std::vector<objects::EvictedObject> victims;
    objects::read_victims(segment_, &from, &victims);
    for (const objects::EvictedObject &victim : victims) {
      const std::int64_t at_ns = static_cast<std::int64_t>(victim.evicted_ns) - started_ns_;
      if (!is_possible(at_ns, at_ns)) continue;
      timeline_.instants.push_back({at_ns, timeline_.raylet_pid,
                                    fmt::format("evicted {}", format_count(victim.bytes, "byte")), "eviction",
                                    digits(victim.name)});
    }
  }

  // Those of the raylet, and one of now.
  void read_samples() {
    for (objects::SampleRecord &sample : objects::read_samples(segment_)) {
      sample.at_ns -= started_ns_;
      if (is_possible(sample.at_ns, sample.at_ns)) timeline_.samples.push_back(std::move(sample));
    }
    const runtime::StoreStats stats = objects::read_store_stats(segment_);
    objects::SampleRecord now;
    now.at_ns = end_ns_;
    now.used_bytes = stats.used_bytes;
    now.objects = stats.objects;
    now.references = stats.references();
    timeline_.samples.push_back(std::move(now));
  }

  const segment::Segment &segment_;
  const std::int64_t started_ns_;
  const std::int64_t end_ns_;
  std::map<std::uint32_t, Track> tracks_;
  Timeline timeline_;
};

double microseconds(std::int64_t ns) { return static_cast<double>(ns) / kNanosecondsPerMicrosecond; }

json metadata(const char *what, std::uint32_t pid, std::size_t lane, const std::string &name) {
  return {{"ph", "M"}, {"ts", 0}, {"pid", pid}, {"tid", lane}, {"name", what}, {"args", {{"name", name}}}};
}

void add_track(const Track &track, json *events) {
  events->push_back(metadata("process_name", track.pid, 0, track.name));
  std::size_t lanes = 0;
  for (const Slice &slice : track.slices) {
    lanes = std::max(lanes, slice.lane + 1);
    events->push_back({{"ph", "X"},
                       {"ts", microseconds(slice.began_ns)},
                       {"dur", microseconds(slice.ended_ns) - microseconds(slice.began_ns)},
                       {"pid", track.pid},
                       {"tid", slice.lane},
                       {"name", slice.name},
                       {"cat", slice.category},
                       {"args", {{"object", slice.object}, {"end", slice.end}}}});
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    events->push_back(
        metadata("thread_name", track.pid, lane, lane == 0 ? "tasks and waits" : fmt::format("beside {}", lane)));
  }
}

void add_counter(const char *name, double at_us, std::uint32_t pid, std::uint64_t value, json *events) {
  events->push_back({{"ph", "C"}, {"ts", at_us}, {"pid", pid}, {"tid", 0}, {"name", name}, {"args", {{name, value}}}});
}

}  // namespace

std::size_t assign_lanes(std::vector<Slice> *slices) {
  std::sort(slices->begin(), slices->end(), [](const Slice &a, const Slice &b) {
    return a.began_ns != b.began_ns ? a.began_ns < b.began_ns : a.ended_ns > b.ended_ns;
  });
  std::vector<std::vector<std::int64_t>> lanes;  // of each the ends of what is open, the outermost first
  std::vector<Slice> placed;
  std::size_t left_out = 0;
  for (Slice &slice : *slices) {
    std::size_t lane = 0;
    for (; lane < lanes.size(); ++lane) {
      std::vector<std::int64_t> &open = lanes[lane];
      while (!open.empty() && open.back() <= slice.began_ns) open.pop_back();
      if (open.empty() || slice.ended_ns <= open.back()) break;
    }
    if (lane == kLanesMax) {
      ++left_out;
      continue;
    }
    if (lane == lanes.size()) lanes.emplace_back();
    lanes[lane].push_back(slice.ended_ns);
    slice.lane = lane;
    placed.push_back(std::move(slice));
  }
  *slices = std::move(placed);
  return left_out;
}

Timeline read_timeline(const segment::Segment &segment, int raylet_pid, std::int64_t now_ns) {
  return TimelineReader(segment, raylet_pid, now_ns).read();
}

json timeline_json(const Timeline &timeline) {
  json events = json::array();
  for (const Track &track : timeline.tracks) add_track(track, &events);
  for (const Instant &instant : timeline.instants) {
    json args = json::object();
    if (!instant.object.empty()) args["object"] = instant.object;
    events.push_back({{"ph", "i"},
                      {"ts", microseconds(instant.at_ns)},
                      {"pid", instant.pid},
                      {"tid", 0},
                      {"s", "p"},
                      {"name", instant.name},
                      {"cat", instant.category},
                      {"args", std::move(args)}});
  }
  for (const objects::SampleRecord &sample : timeline.samples) {
    const double at_us = microseconds(sample.at_ns);
    add_counter("used bytes", at_us, timeline.raylet_pid, sample.used_bytes, &events);
    add_counter("objects", at_us, timeline.raylet_pid, sample.objects, &events);
    add_counter("references", at_us, timeline.raylet_pid, sample.references, &events);
  }
  return {{"traceEvents", std::move(events)},
          {"displayTimeUnit", "ms"},
          {"otherData", {{"session", timeline.session}, {"time_zero", "start of the session"}}}};
}

std::string timeline_text(const Timeline &timeline) {
  std::size_t slices = 0;
  for (const Track &track : timeline.tracks) slices += track.slices.size();
  std::string text = fmt::format("tasks and waits: {}, processes: {}, deaths and evictions: {}, samples: {}\n",
                                 format_count(slices), format_count(timeline.tracks.size()),
                                 format_count(timeline.instants.size()), format_count(timeline.samples.size()));
  if (timeline.left_out != 0)
    text += fmt::format("{} left out: their times or places cannot be\n", format_count(timeline.left_out, "record"));
  if (timeline.reaches.empty()) return text + "It reaches back to the session's start.\n";
  text += fmt::format("Each process keeps its last {}; older ones are not there:\n", base::kActivitiesKept);
  for (const Reach &reach : timeline.reaches) {
    text += fmt::format("  pid {}: from {:.3f} s on, {} overwritten\n", reach.pid,
                        static_cast<double>(reach.begins_ns) / base::kNanosecondsPerSecond,
                        format_count(reach.overwritten));
  }
  return text;
}

}  // namespace mobula::tools
