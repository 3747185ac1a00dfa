#include "tools/chaos_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/units.h"
#include "tools/doctor_text.h"
#include "tools/plot.h"
#include "tools/processes.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using nlohmann::json;

constexpr std::size_t kLineWidth = 60;
constexpr const char *kIndent = "          ";  // below the words of the first column

std::string command_text(const ChaosOptions &options) {
  return printable(fmt::format("{}", fmt::join(options.program, " ")));
}

Curve curve_of(const ChaosResult &result, const char *title, bool is_bytes, std::uint64_t ChaosPoint::*figure) {
  Curve curve{title, is_bytes, {}};
  for (const ChaosPoint &point : result.points)
    curve.points.emplace_back(point.seconds, static_cast<double>(point.*figure));
  return curve;
}

std::string runs_text(const ChaosOptions &options, const ChaosResult &result) {
  const RunCounts &runs = result.runs;
  std::string text = fmt::format(
      "Program   {}\n{}{}: {} ended well, {} killed here, {} failed by themselves, {} ended when the time was over\n",
      command_text(options), kIndent, format_count(runs.started, "run"), format_count(runs.ended_well),
      format_count(runs.struck), format_count(runs.failed), format_count(runs.ended_last));
  if (runs.failed == 0) return text;
  text += fmt::format("{}run {} was the last that failed: {}. Its last lines:\n", kIndent, result.last_failure.number,
                      result.last_failure.how);
  for (std::size_t at = 0; at <= result.last_failure.tail.size();) {
    const std::size_t end = std::min(result.last_failure.tail.find('\n', at), result.last_failure.tail.size());
    text += fmt::format("{}| {}\n", kIndent, printable(result.last_failure.tail.substr(at, end - at)));
    at = end + 1;
  }
  return text;
}

std::string strikes_text(const ChaosResult &result) {
  std::string text = fmt::format("Strikes   {} killed, {} killed, {} stopped for a while; {} found nobody\n",
                                 format_count(result.strikes[0], "worker"), format_count(result.strikes[1], "driver"),
                                 format_count(result.strikes[2], "worker"), format_count(result.strikes_missed));
  const char *title = "Deaths    ";
  for (const auto &[what, count] : result.deaths) {
    text += fmt::format("{}{:>6}  {}\n", title, format_count(count), what);
    title = kIndent;
  }
  if (result.deaths_missed != 0)
    text += fmt::format("{}{:>6}  came too fast to be read\n", title, format_count(result.deaths_missed));
  return text;
}

std::string work_text(const ChaosResult &result, bool utf8) {
  const ChaosPoint &peak = result.peak;
  return fmt::format(
      "Work      {} in {}; at most {} (after {:.1f} s), {}, {}\n"
      "Bytes     {}\nHandles   {}\n",
      format_count(result.tasks, "task"), format_count(result.drivers, "driver"), base::format_bytes(peak.used_bytes),
      peak.seconds, format_count(peak.objects, "object"), format_count(peak.references, "reference"),
      sparkline(curve_of(result, "", true, &ChaosPoint::used_bytes), kLineWidth, utf8),
      sparkline(curve_of(result, "", false, &ChaosPoint::references), kLineWidth, utf8));
}

std::string left_text(const Left &left) {
  std::string text;
  if (left.asked_objects != 0) {
    text += fmt::format("Kept      {}, {}, as was asked for: named, retained, weakly held, or of detached actors\n",
                        format_count(left.asked_objects, "object"), base::format_bytes(left.asked_bytes));
  }
  if (left.objects == 0) return text + "Left      nothing\n";
  return text + fmt::format("Left      {}, {}, that no program is there for any more\n{}",
                            format_count(left.objects, "object"), base::format_bytes(left.bytes), left.text);
}

const char *name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kClean:
      return "clean";
    case Verdict::kLeft:
      return "not clean";
    case Verdict::kNothingTested:
      return "nothing tested";
  }
  return "unknown";
}

json points_json(const ChaosResult &result) {
  json points = json::array();
  for (const ChaosPoint &point : result.points)
    points.push_back({point.seconds, point.used_bytes, point.objects, point.references});
  return {{"columns", {"seconds", "used_bytes", "objects", "references"}}, {"rows", std::move(points)}};
}

}  // namespace

Verdict verdict_of(const ChaosResult &result) {
  if (result.left.objects != 0 || !agrees(result.audit)) return Verdict::kLeft;
  return result.drivers == 0 ? Verdict::kNothingTested : Verdict::kClean;
}

std::string nothing_tested_text(const ChaosOptions &options, const ChaosResult &result) {
  return fmt::format(
      "nothing was tested: none of {} of '{}' joined session {}, which its RAY_ADDRESS names; does it set another "
      "address "
      "in its RayConfig?",
      format_count(result.runs.started, "run"), command_text(options), result.session);
}

std::string chaos_text(const ChaosOptions &options, const ChaosResult &result, bool utf8) {
  return fmt::format("Chaos     session {}, {:.1f} s{}, seed {}\n", result.session, result.seconds,
                     result.was_interrupted ? ", interrupted" : "", result.seed) +
         runs_text(options, result) + strikes_text(result) + work_text(result, utf8) + "Ledgers   " +
         doctor_text(result.session, result.audit) + left_text(result.left) +
         fmt::format("Verdict   {}\n", name_of(verdict_of(result)));
}

json chaos_json(const ChaosOptions &options, const ChaosResult &result) {
  const RunCounts &runs = result.runs;
  json failure;
  if (runs.failed != 0) {
    failure = {{"run", result.last_failure.number},
               {"how", result.last_failure.how},
               {"last_lines", result.last_failure.tail}};
  }
  return {{"session", result.session},
          {"program", options.program},
          {"seed", result.seed},
          {"seconds", result.seconds},
          {"interrupted", result.was_interrupted},
          {"verdict", name_of(verdict_of(result))},
          {"runs",
           {{"started", runs.started},
            {"ended_well", runs.ended_well},
            {"killed", runs.struck},
            {"failed", runs.failed},
            {"ended_last", runs.ended_last},
            {"last_failure", std::move(failure)}}},
          {"strikes",
           {{"workers_killed", result.strikes[0]},
            {"drivers_killed", result.strikes[1]},
            {"workers_stopped", result.strikes[2]},
            {"missed", result.strikes_missed}}},
          {"deaths", result.deaths},
          {"deaths_missed", result.deaths_missed},
          {"drivers", result.drivers},
          {"tasks", result.tasks},
          {"peak",
           {{"used_bytes", result.peak.used_bytes},
            {"objects", result.peak.objects},
            {"references", result.peak.references},
            {"seconds", result.peak.seconds}}},
          {"points", points_json(result)},
          {"ledgers", doctor_json(result.session, result.audit)},
          {"kept", {{"objects", result.left.asked_objects}, {"bytes", result.left.asked_bytes}}},
          {"left",
           {{"objects", result.left.objects},
            {"bytes", result.left.bytes},
            {"leaks", result.left.json.empty() ? json() : json::parse(result.left.json, nullptr, false)}}}};
}

std::string chaos_svg(const ChaosOptions &options, const ChaosResult &result) {
  std::vector<SvgMark> marks;
  for (const auto &[seconds, text] : result.death_times) marks.push_back({seconds, text});
  return plot_svg(
      fmt::format("mobula chaos, {:.0f} s, seed {}: {}", result.seconds, result.seed, command_text(options)),
      {curve_of(result, "Bytes in use", true, &ChaosPoint::used_bytes),
       curve_of(result, "References", false, &ChaosPoint::references),
       curve_of(result, "Objects", false, &ChaosPoint::objects)},
      marks);
}

}  // namespace mobula::tools
