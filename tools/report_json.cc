#include "tools/report_json.h"

#include <nlohmann/json.hpp>

namespace mobula::tools {
namespace {

using nlohmann::json;

json json_of(const ReportSample &sample) {
  return {{"at", sample.at},
          {"used_bytes", sample.used_bytes},
          {"objects", sample.objects},
          {"references", sample.references},
          {"freed", sample.freed},
          {"evictions", sample.evictions},
          {"tasks_waiting", sample.tasks_waiting},
          {"tasks_running", sample.tasks_running}};
}

json json_of(const ReportShare &share) {
  return {{"name", share.name},
          {"detail", share.detail},
          {"is_rest", share.is_rest},
          {"bytes", share.bytes},
          {"objects", share.objects}};
}

json json_of(const ReportProcess &process) {
  return {{"pid", process.pid},
          {"kind", process.kind},
          {"command", process.command},
          {"tasks_run", process.tasks_run},
          {"runs", process.runs.empty() ? json() : json(process.runs)},
          {"runs_since", process.runs.empty() ? json() : json(process.runs_since)},
          {"objects", process.objects},
          {"bytes", process.bytes}};
}

json json_of(const ReportActivity &activity) {
  return {{"pid", activity.pid},   {"begin", activity.begin},     {"end", activity.end},
          {"what", activity.what}, {"is_wait", activity.is_wait}, {"end_how", activity.end_how}};
}

json json_of(const ReportDeath &death) {
  return {{"at", death.at},
          {"pid", death.pid},
          {"kind", death.kind},
          {"how", death.how},
          {"runs", death.runs.empty() ? json() : json(death.runs)},
          {"is_bad", death.is_bad}};
}

json json_of(const ReportEviction &eviction) {
  return {{"at", eviction.at}, {"object", eviction.object}, {"bytes", eviction.bytes}, {"why", eviction.why}};
}

json json_of(const ReportLeak &leak) {
  return {{"site", leak.site},         {"detail", leak.detail}, {"keeper", leak.keeper},
          {"taken_at", leak.taken_at}, {"why", leak.why},       {"to_free", leak.to_free},
          {"objects", leak.objects},   {"bytes", leak.bytes},   {"idle_ms", leak.idle_ms}};
}

json json_of(const ReportHolding &holding) {
  return {{"site", holding.site},
          {"detail", holding.detail},
          {"objects", holding.objects},
          {"bytes", holding.bytes},
          {"oldest_ms", holding.oldest_ms < 0 ? json() : json(holding.oldest_ms)},
          {"holders", holding.holders},
          {"holders_left_out", holding.holders_left_out}};
}

template <typename Record>
json list_of(const std::vector<Record> &records) {
  json list = json::array();
  for (const Record &record : records) list.push_back(json_of(record));
  return list;
}

}  // namespace

json report_json(const Report &report) {
  return {{"session", report.session},
          {"maker", report.maker},
          {"made_at", report.made_at},
          {"began_at", report.began_at},
          {"age_seconds", report.age_seconds},
          {"raylet", {{"pid", report.raylet_pid}, {"command", report.raylet_command}}},
          {"capacity_bytes", report.capacity_bytes},
          {"evicted_bytes", report.evicted_bytes},
          {"deaths_so_far", report.deaths},
          {"evictions_so_far", report.evictions},
          {"samples_before", report.samples_before},
          {"ledgers", {{"agree", report.ledgers_agree}, {"text", report.ledgers}, {"bytes", report.bytes_ledger}}},
          {"samples", list_of(report.samples)},
          {"sites", list_of(report.sites)},
          {"holders", list_of(report.holders)},
          {"processes", list_of(report.processes)},
          {"activities", list_of(report.activities)},
          {"deaths", list_of(report.death_list)},
          {"evictions", list_of(report.eviction_list)},
          {"leak_age", report.leak_age},
          {"leaks", list_of(report.leaks)},
          {"holdings", list_of(report.holdings)},
          {"holdings_left_out", report.holdings_left_out}};
}

}  // namespace mobula::tools
