#include "tools/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/clock.h"
#include "base/units.h"
#include "objects/history.h"
#include "refs/object_id.h"
#include "segment/sites.h"
#include "tools/object_digits.h"
#include "tools/processes.h"
#include "tools/stack_names.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using nlohmann::json;
using segment::Event;

// pid -> "driver: ./train 5".
using Processes = std::map<std::uint32_t, std::string>;

Processes read_processes(const segment::Segment &segment, int raylet_pid) {
  Processes processes;
  for (const objects::DeathRecord &death : objects::read_deaths(segment))
    processes[death.pid] = fmt::format("{}, ended", death.is_actor ? "actor" : segment::name_of(death.kind));
  for (const ClientFacts &client : read_clients(segment)) {
    if (client.kind == segment::ClientKind::kNone) continue;
    processes[client.pid] = title_of(client);
  }
  processes[static_cast<std::uint32_t>(raylet_pid)] = "raylet";
  return processes;
}

class SiteNames {
 public:
  explicit SiteNames(const segment::Segment &segment) : segment_(segment) {}

  void add(std::uint32_t number) {
    if (names_.count(number) != 0) return;
    const segment::SiteCopy site = segment::read_site(segment_, number);
    names_[number] = segment::describe(site);
    if (site.kind == segment::SiteKind::kStack) stacks_.insert(names_[number]);
  }
  void name_stacks_in(const std::vector<int> &pids) {
    if (!stacks_.empty()) named_ = name_stacks(stacks_, pids);
  }
  std::string operator[](std::uint32_t number) const {
    const std::string &text = names_.at(number);
    const auto found = named_.find(text);
    return found == named_.end() ? text : found->second;
  }

 private:
  const segment::Segment &segment_;
  std::map<std::uint32_t, std::string> names_;
  std::set<std::string> stacks_;
  std::map<std::string, std::string> named_;
};

bool is_wanted(const refs::LoggedEvent &event, const TraceChoice &choice) {
  if (choice.object && !(event.name == *choice.object)) return false;
  return !choice.pid || event.pid == *choice.pid || (event.holder != 0 && event.holder == *choice.pid);
}

std::vector<int> living_pids(const segment::Segment &segment) {
  std::vector<int> pids;
  for (const ClientFacts &client : read_clients(segment)) {
    if (is_in_session(client)) pids.push_back(static_cast<int>(client.pid));
  }
  return pids;
}

}  // namespace

const char *describe(Event event) {
  switch (event) {
    case Event::kCreate:
      return "created";
    case Event::kSeal:
      return "sealed";
    case Event::kFail:
      return "failed";
    case Event::kTake:
      return "taken";
    case Event::kCopy:
      return "handle copied";
    case Event::kRelease:
      return "released";
    case Event::kPin:
      return "pinned";
    case Event::kUnpin:
      return "unpinned";
    case Event::kRecycle:
      return "freed by its creator";
    case Event::kFree:
      return "freed";
    case Event::kEvict:
      return "evicted";
    case Event::kReap:
      return "reaped";
    case Event::kNone:
      break;
  }
  return "unknown";
}

Trace read_trace(const segment::Segment &segment, int raylet_pid, const TraceChoice &choice, std::uint64_t after) {
  const segment::SegmentHeader &header = segment.header();
  Trace trace;
  trace.places = segment.log_records();
  trace.lost = header.log_lost.load();
  const std::vector<refs::LoggedEvent> all = refs::read_log(segment);
  trace.events = std::max(header.log_events.load(), all.empty() ? 0 : all.back().number);
  trace.overwritten = trace.events - std::min(trace.events, trace.places);
  std::vector<refs::LoggedEvent> wanted;
  std::copy_if(all.begin(), all.end(), std::back_inserter(wanted),
               [&](const refs::LoggedEvent &event) { return event.number > after && is_wanted(event, choice); });
  if (choice.last && wanted.size() > *choice.last)
    wanted.erase(wanted.begin(), wanted.end() - static_cast<std::ptrdiff_t>(*choice.last));
  if (wanted.empty()) return trace;
  const Processes processes = read_processes(segment, raylet_pid);
  SiteNames sites(segment);
  for (const refs::LoggedEvent &event : wanted) sites.add(event.site);
  sites.name_stacks_in(living_pids(segment));
  for (const refs::LoggedEvent &event : wanted) {
    const auto process = processes.find(event.pid);
    const std::int64_t since_ns = static_cast<std::int64_t>(event.at_ns) - header.started_ns;
    trace.lines.push_back({event.number, static_cast<double>(since_ns) / base::kNanosecondsPerSecond, event.pid,
                           process == processes.end() ? "ended" : process->second, describe(event.event),
                           digits_of(refs::encode_id(header.epoch, event.name)), event.bytes, event.holder,
                           sites[event.site]});
  }
  return trace;
}

// --- for people ------------------------------------------------------------------------------------------------------

std::string trace_head(const Trace &trace, const TraceChoice &choice) {
  std::string text = fmt::format("Session {}: {} so far, the newest {} are kept: {} overwritten, {} lost\n",
                                 trace.session, format_count(trace.events, "event"), format_count(trace.places),
                                 format_count(trace.overwritten), format_count(trace.lost));
  if (trace.lines.empty()) text += "No event of these is what was asked for.\n";
  if (!choice.object || trace.lines.empty()) return text;
  const TraceLine &first = trace.lines.front();
  const bool knows_begin = first.event == describe(Event::kCreate);
  return text + fmt::format("Object {}: {}{}\n", first.object, format_count(trace.lines.size(), "event"),
                            knows_begin ? "" : "; how it began is not among what is kept");
}

std::string trace_titles(bool with_object) {
  return fmt::format("{:>13}  {:>7}  {:<20}  {}{:>10}  {:<28}  {}\n", "SECONDS", "PID", "EVENT",
                     with_object ? fmt::format("{:<30}  ", "OBJECT ID") : "", "SIZE", "PROCESS", "CALL SITE");
}

std::string trace_line(const TraceLine &line, bool with_object) {
  const std::string event = line.holder == 0 ? line.event : fmt::format("{} from {}", line.event, line.holder);
  return fmt::format("{:>13.6f}  {:>7}  {:<20}  {}{:>10}  {:<28}  {}\n", line.seconds, line.pid, event,
                     with_object ? fmt::format("{:<30}  ", line.object) : "",
                     line.bytes == 0 ? "-" : base::format_bytes(line.bytes), line.process,
                     line.site.empty() ? "-" : line.site);
}

// --- for programs ----------------------------------------------------------------------------------------------------

json trace_line_json(const TraceLine &line) {
  return {{"number", line.number},    {"seconds", line.seconds},
          {"pid", line.pid},          {"process", line.process},
          {"event", line.event},      {"object", line.object},
          {"size_bytes", line.bytes}, {"holder", line.holder == 0 ? json() : json(line.holder)},
          {"site", line.site}};
}

json trace_json(const Trace &trace) {
  json lines = json::array();
  for (const TraceLine &line : trace.lines) lines.push_back(trace_line_json(line));
  return {{"session", trace.session}, {"events_so_far", trace.events},
          {"places", trace.places},   {"overwritten", trace.overwritten},
          {"lost", trace.lost},       {"events", std::move(lines)}};
}

}  // namespace mobula::tools
