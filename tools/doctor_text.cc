#include "tools/doctor_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using nlohmann::json;
using objects::Audit;
using objects::Ledger;
using objects::Problem;

std::string advice(const Problem &problem) {
  if (problem.pid != 0) {
    return fmt::format("end process {}: the raylet then clears what it holds", problem.pid);
  }
  switch (problem.ledger) {
    case Ledger::kEntries:
      return "run doctor again; if it stays, the object's bytes come back with the end of the session";
    case Ledger::kExtents:
      return "stop the session: objects may overwrite each other";
    case Ledger::kHandles:
      return "stop the session: a handle table is damaged";
    case Ledger::kKernel:
      return "the memory comes back with the end of the session";
  }
  return "stop the session";
}

std::uint64_t ledgers_with_problems(const Audit &audit) {
  bool found[objects::kLedgers] = {};
  for (const Problem &problem : audit.problems) found[static_cast<std::uint32_t>(problem.ledger)] = true;
  return static_cast<std::uint64_t>(std::count(std::begin(found), std::end(found), true));
}

std::string totals_text(const Audit &audit) {
  std::uint64_t handles = 0;
  std::uint64_t processes = 0;
  for (const objects::ClientTotals &client : audit.clients) {
    handles += client.handles;
    processes += client.handles != 0 ? 1 : 0;
  }
  return fmt::format("{}, {} {} {}, {} of {} reserved in use", format_count(audit.objects, "object"),
                     format_count(processes) + (processes == 1 ? " process" : " processes"),
                     processes == 1 ? "holds" : "hold", format_count(handles, "handle"),
                     base::format_bytes(audit.used_bytes), base::format_bytes(audit.reserved_bytes));
}

std::string verdict_text(const std::string &session, const Audit &audit) {
  if (agrees(audit))
    return fmt::format("Session {}: {} ledgers agree: {}", session, objects::kLedgers, totals_text(audit));
  const std::uint64_t problems = audit.problems.size() + audit.problems_left_out;
  return fmt::format("Session {}: {} in {} of {} ledgers: {}", session,
                     format_count(problems) + (problems == 1 ? " mismatch" : " mismatches"),
                     ledgers_with_problems(audit), objects::kLedgers, totals_text(audit));
}

}  // namespace

bool agrees(const Audit &audit) { return audit.problems.empty(); }

std::string doctor_text(const std::string &session, const Audit &audit, const std::vector<Finding> &findings) {
  if (agrees(audit) && findings.empty()) return verdict_text(session, audit) + "; nothing to do\n";
  std::string text = verdict_text(session, audit) + "\n";
  for (const Problem &problem : audit.problems) {
    text += fmt::format("  {}: {}. To do: {}\n", objects::name_of(problem.ledger), problem.text, advice(problem));
  }
  if (audit.problems_left_out != 0) text += fmt::format("  ... and {} more\n", format_count(audit.problems_left_out));
  for (const Finding &finding : findings) text += "  " + line_of(finding) + "\n";
  return text;
}

json doctor_json(const std::string &session, const Audit &audit, const std::vector<Finding> &findings) {
  json found = json::array();
  for (const Finding &finding : findings)
    found.push_back({{"what", finding.what}, {"why", finding.why}, {"to_do", finding.to_do}});
  json problems = json::array();
  for (const Problem &problem : audit.problems)
    problems.push_back({{"ledger", objects::name_of(problem.ledger)}, {"text", problem.text}});
  json clients = json::array();
  for (const objects::ClientTotals &client : audit.clients) {
    clients.push_back({{"id", client.id},
                       {"pid", client.pid},
                       {"kind", segment::name_of(client.kind)},
                       {"objects", client.objects},
                       {"handles", client.handles},
                       {"pins", client.pins}});
  }
  return {{"session", session},
          {"ok", agrees(audit)},
          {"problems", std::move(problems)},
          {"findings", std::move(found)},
          {"problems_left_out", audit.problems_left_out},
          {"raylet_rests", audit.raylet_rests},
          {"objects", audit.objects},
          {"specs", audit.specs},
          {"buffers", audit.buffers},
          {"bytes",
           {{"used", audit.used_bytes},
            {"pooled", audit.pooled_bytes},
            {"reserved", audit.reserved_bytes},
            {"kernel", audit.kernel_bytes}}},
          {"clients", std::move(clients)}};
}

}  // namespace mobula::tools
