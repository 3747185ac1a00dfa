#include "tools/report_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "base/units.h"
#include "tools/html_table.h"
#include "tools/markup.h"
#include "tools/report_plots.h"
#include "tools/report_style.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using Side = HtmlTable::Side;

std::string fact(const char *name, const std::string &value, const std::string &more = "") {
  return fmt::format("<div><dt>{}</dt><dd>{}{}</dd></div>\n", escape_markup(name), escape_markup(value),
                     more.empty() ? "" : fmt::format("<small>{}</small>", escape_markup(more)));
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? "" : fmt::format("{:.1f} % of ", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string section(const char *id, const char *title, const std::string &body) {
  return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", id, escape_markup(title), body);
}

std::string note(const std::string &text) { return fmt::format("<p class=\"soft\">{}</p>\n", escape_markup(text)); }

std::string figure(const std::string &svg) { return svg.empty() ? "" : "<figure>\n" + svg + "</figure>\n"; }

// --- sections --------------------------------------------------------------------------------------------------------

std::string facts(const Report &report) {
  const ReportSample now = report.samples.empty() ? ReportSample{} : report.samples.back();
  std::string text = "<dl>\n";
  text += fact("Store in use", base::format_bytes(now.used_bytes),
               percent(now.used_bytes, report.capacity_bytes) + base::format_bytes(report.capacity_bytes));
  text += fact("Objects", format_count(now.objects), format_count(now.freed) + " freed before");
  text += fact("References", format_count(now.references), "held by processes");
  text += fact("Processes", format_count(report.processes.size()), "besides the raylet");
  text += fact("Tasks", format_count(now.tasks_running) + " running", format_count(now.tasks_waiting) + " waiting");
  text += fact("Evicted", format_count(report.evictions), base::format_bytes(report.evicted_bytes));
  text += fact("Deaths", format_count(report.deaths), "ended processes");
  return text + "</dl>\n";
}

std::string ledgers(const Report &report) {
  return fmt::format("<p class=\"lines {}\">{} {}</p>\n<p class=\"soft\">{}</p>\n",
                     report.ledgers_agree ? "good" : "bad", report.ledgers_agree ? "&#10003;" : "&#10007;",
                     escape_markup(report.ledgers), escape_markup(report.bytes_ledger));
}

std::string share_table(const std::vector<ReportShare> &shares, const char *what) {
  HtmlTable table({{what}, {"Now", Side::kRight}, {"Objects", Side::kRight}, {"Peak", Side::kRight}});
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const ReportShare &share = shares[i];
    const std::string color = share.is_rest ? "rest" : fmt::format("s{}", i % kColors);
    table.add({{share.name, share.detail, color},
               {base::format_bytes(share.bytes.back())},
               {format_count(share.objects.back())},
               {base::format_bytes(*std::max_element(share.bytes.begin(), share.bytes.end()))}});
  }
  return table.text();
}

std::string memory(const Report &report) {
  std::string text;
  if (report.samples.size() < 2)
    text += note("The raylet has taken no samples (--sample-ms 0): there is only what is in use now.");
  if (report.sites.empty()) return text + note("Nothing is in the store.");
  text += "<h3>By the line that made it</h3>\n" + figure(plot_shares(report, report.sites, "Bytes by call site"));
  text += share_table(report.sites, "Call site");
  text += "<h3>By holder</h3>\n" + figure(plot_shares(report, report.holders, "Bytes by holder"));
  text += share_table(report.holders, "Process");
  return text + note("An object with several holders counts for one of them only.");
}

std::string references(const Report &report) {
  return figure(plot_references(report)) +
         "<p class=\"soft\"><span class=\"key s0\"></span>objects &nbsp; <span class=\"key s2\"></span>references: "
         "processes that hold one, added up over all objects</p>\n";
}

std::string leaks(const Report &report) {
  if (report.leaks.empty()) return note(fmt::format("There is nothing that was not needed for {}.", report.leak_age));
  HtmlTable table({{"Made by"},
                   {"Bytes", Side::kRight},
                   {"Objects", Side::kRight},
                   {"Not needed for", Side::kRight},
                   {"Kept by"},
                   {"Why"},
                   {"To free it"}});
  const std::size_t shown = std::min(report.leaks.size(), kTableRowsMax);
  for (std::size_t i = 0; i < shown; ++i) {
    const ReportLeak &leak = report.leaks[i];
    const std::string kept_by = leak.keeper + (leak.taken_at.empty() ? "" : ", " + leak.taken_at);
    table.add({{leak.site.empty() ? "unknown" : leak.site, leak.detail},
               {base::format_bytes(leak.bytes)},
               {format_count(leak.objects)},
               {format_age(leak.idle_ms)},
               {kept_by},
               {leak.why},
               {leak.to_free}});
  }
  std::string text = table.text();
  if (shown < report.leaks.size()) text += note(fmt::format("And {} more.", format_count(report.leaks.size() - shown)));
  return text;
}

std::string holdings(const Report &report) {
  if (report.holdings.empty()) return note("There are no objects.");
  HtmlTable table(
      {{"Made by"}, {"Bytes", Side::kRight}, {"Objects", Side::kRight}, {"Oldest", Side::kRight}, {"Held by"}});
  for (const ReportHolding &holding : report.holdings) {
    std::string held = fmt::format("{}", fmt::join(holding.holders, ", "));
    if (holding.holders_left_out != 0) held += fmt::format(" and {} more", format_count(holding.holders_left_out));
    table.add({{holding.site.empty() ? "unknown" : holding.site, holding.detail},
               {base::format_bytes(holding.bytes)},
               {format_count(holding.objects)},
               {holding.oldest_ms < 0 ? "-" : format_age(holding.oldest_ms)},
               {held.empty() ? "no process" : held}});
  }
  std::string text = table.text();
  if (report.holdings_left_out != 0)
    text += note(fmt::format("And {} more.", format_count(report.holdings_left_out, "call site")));
  return text;
}

std::string tasks(const Report &report) {
  std::string text = figure(plot_tasks(report));
  if (!text.empty())
    text +=
        "<p class=\"soft\"><span class=\"key s0\"></span>running &nbsp; <span class=\"key s1\"></span>waiting</p>\n";
  const TimelinePlot timeline = plot_activities(report);
  if (timeline.svg.empty()) return text + note("No process has run a task, or waited for one.");
  text += "<h3>Timeline</h3>\n" + figure(timeline.svg);
  std::string keys;
  for (std::size_t i = 0; i < timeline.functions.size(); ++i) {
    keys += fmt::format("<span class=\"fixed\"><span class=\"key s{}\"></span>{}</span> &nbsp; ", i,
                        escape_markup(timeline.functions[i]));
  }
  text += "<p class=\"soft\">" + keys + "<span class=\"fixed\"><span class=\"key wait\"></span>waits</span></p>\n";
  std::string limits = fmt::format("The last {} tasks and waits of each process", base::kActivitiesKept);
  if (timeline.rows_left_out != 0)
    limits += fmt::format("; {} that did nothing lately are left out", format_count(timeline.rows_left_out));
  return text + note(limits + ". A red border is a task that failed, a pale bar one that still runs, a cross a death.");
}

std::string processes(const Report &report) {
  if (report.processes.empty()) return note("No process is in the session but its raylet.");
  HtmlTable table({{"Pid", Side::kRight},
                   {"Kind", Side::kWord},
                   {"Holds", Side::kRight},
                   {"Objects", Side::kRight},
                   {"Tasks run", Side::kRight},
                   {"Runs now"},
                   {"Command line"}});
  for (const ReportProcess &process : report.processes) {
    std::string runs = "-";
    if (!process.runs.empty())
      runs = fmt::format("{}, for {}", process.runs, format_duration(report.age_seconds - process.runs_since));
    table.add({{std::to_string(process.pid)},
               {process.kind},
               {base::format_bytes(process.bytes)},
               {format_count(process.objects)},
               {format_count(process.tasks_run)},
               {runs},
               {process.command}});
  }
  return table.text();
}

std::string newest_of(std::size_t shown, std::uint64_t all) {
  return shown >= all ? "" : note(fmt::format("The newest {} of {}.", format_count(shown), format_count(all)));
}

std::string deaths(const Report &report) {
  if (report.death_list.empty()) return note("No process has ended.");
  HtmlTable table({{"When", Side::kRight}, {"Pid", Side::kRight}, {"Kind", Side::kWord}, {"How"}, {"It ran"}});
  const std::size_t shown = std::min(report.death_list.size(), kTableRowsMax);
  for (std::size_t i = 0; i < shown; ++i) {
    const ReportDeath &death = report.death_list[i];
    table.add({{format_moment(death.at, report.age_seconds)},
               {std::to_string(death.pid)},
               {death.kind},
               {death.how, "", "", death.is_bad},
               {death.runs.empty() ? "-" : death.runs}});
  }
  return table.text() + newest_of(shown, report.deaths);
}

std::string evictions(const Report &report) {
  if (report.eviction_list.empty()) return note("Nothing was evicted.");
  HtmlTable table({{"When", Side::kRight}, {"Object", Side::kWord}, {"Bytes", Side::kRight}, {"It was"}});
  const std::size_t shown = std::min(report.eviction_list.size(), kTableRowsMax);
  for (std::size_t i = 0; i < shown; ++i) {
    const ReportEviction &eviction = report.eviction_list[i];
    table.add({{format_moment(eviction.at, report.age_seconds)},
               {eviction.object, "", "", false, true},
               {base::format_bytes(eviction.bytes)},
               {eviction.why.empty() ? "-" : eviction.why}});
  }
  return table.text() + newest_of(shown, report.evictions);
}

std::string footer(const Report &report) {
  std::string text = fmt::format("Made by {} at {}. ", report.maker, report.made_at);
  text += "Times are since the session began";
  if (report.samples_before != 0)
    text += fmt::format("; {} samples before the first one here are not kept", format_count(report.samples_before));
  return "<footer>" + escape_markup(text + ".") + "</footer>\n";
}

}  // namespace

std::string report_html(const Report &report) {
  const std::string name = escape_markup(report.session);
  std::string text = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  text += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  text += "<link rel=\"icon\" href=\"data:,\">\n";  // or the browser asks for one
  text += fmt::format("<title>Session {}</title>\n<style>{}{}</style>\n</head>\n<body>\n", name, kReportStyle,
                      color_style());
  text += fmt::format("<h1>Session {}</h1>\n", name);
  text += fmt::format("<p class=\"soft\">{}, {} after it began at {}. Raylet: pid {}<br>{}</p>\n",
                      escape_markup(report.made_at), escape_markup(format_duration(report.age_seconds)),
                      escape_markup(report.began_at), report.raylet_pid, escape_markup(report.raylet_command));
  text += facts(report) + ledgers(report);
  text += section("leaks", "Leaks", leaks(report));
  text += section("memory", "Memory", memory(report));
  text += section("holdings", "What is there now", holdings(report));
  text += section("references", "Objects and references", references(report));
  text += section("tasks", "Tasks", tasks(report));
  text += section("processes", "Processes", processes(report));
  text += section("deaths", "Deaths", deaths(report));
  text += section("evictions", "Evictions", evictions(report));
  return text + footer(report) + "</body>\n</html>\n";
}

}  // namespace mobula::tools
