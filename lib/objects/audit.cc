#include "objects/audit.h"

#include <algorithm>
#include <unordered_set>

#include "objects/audit_look.h"

namespace mobula::objects {
namespace {

// Of the problems of one look those that the look before it had seen, too.
void keep_common(std::vector<Problem> *problems, const std::vector<Problem> &before) {
  std::unordered_set<std::string> known;
  for (const Problem &problem : before) known.insert(problem.text);
  std::erase_if(*problems, [&known](const Problem &problem) { return !known.contains(problem.text); });
}

}  // namespace

const char *name_of(Ledger ledger) {
  switch (ledger) {
    case Ledger::kEntries:
      return "entries";
    case Ledger::kExtents:
      return "extents";
    case Ledger::kHandles:
      return "handles";
    case Ledger::kKernel:
      return "kernel";
  }
  return "unknown";
}

Audit audit(const segment::Segment &segment, const std::function<void()> &pause) {
  Audit result = AuditLook(segment).run();
  // Whoever examines a session has often woken its raylet just now.
  for (int look = 1; look < kAuditLooks && !result.raylet_rests; ++look) {
    if (pause) pause();
    result = AuditLook(segment).run();
  }
  for (int look = 1; look < kAuditLooks && !result.problems.empty(); ++look) {
    if (pause) pause();
    const Audit before = std::move(result);
    result = AuditLook(segment).run();
    keep_common(&result.problems, before.problems);
    result.problems_left_out = std::min(result.problems_left_out, before.problems_left_out);
  }
  return result;
}

}  // namespace mobula::objects
