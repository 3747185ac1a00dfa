// objects/audit.h: compares a session's four ledgers: entries, extents, handle tables against sets, kernel bytes.
//   Threads    any process, while all others run; reads the segment only, and asks nobody
//   Crash      every word may be damaged or hostile: numbers are checked before they are used as a place or a count
//   Errors     a mismatch is a Problem; a Fault only when the kernel does not tell the size of the segment
//   Cost       a look: O(entries + rows), and sorting the rows in use. A clean session whose raylet rests: one look
// A step in progress looks like a mismatch for a moment. So a problem is believed when all of kAuditLooks looks show
// the same words. What a busy raylet explains (an object that is not freed yet) is judged while the raylet rests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "segment/segment.h"

namespace mobula::objects {

constexpr int kAuditLooks = 8;                    // a pair of steps seen half done by chance each time: under 1/65,000
constexpr std::size_t kAuditProblemsMax = 1'000;  // named; further ones are counted

enum class Ledger { kEntries, kExtents, kHandles, kKernel };
constexpr std::uint32_t kLedgers = 4;
const char *name_of(Ledger ledger);

struct Problem {
  Ledger ledger = Ledger::kEntries;
  std::string text;       // with every word that it was seen in
  std::uint32_t pid = 0;  // the process that it is about, 0 = none
};

struct ClientTotals {
  std::uint32_t id = 0;
  std::uint32_t pid = 0;
  segment::ClientKind kind = segment::ClientKind::kNone;
  std::uint64_t objects = 0;  // that it holds, as `mobula status` counts them
  std::uint64_t handles = 0;
  std::uint64_t pins = 0;
};

struct Audit {
  std::vector<Problem> problems;
  std::uint64_t problems_left_out = 0;
  bool raylet_rests = false;     // it sleeps, and nothing lies unread in a ring
  std::uint64_t objects = 0;     // values and results
  std::uint64_t specs = 0;       // of tasks
  std::uint64_t buffers = 0;     // of large results
  std::uint64_t used_bytes = 0;  // blocks and inline bytes of live objects
  std::uint64_t pooled_bytes = 0;
  std::uint64_t reserved_bytes = 0;  // by all regions, as the raylet says
  std::uint64_t kernel_bytes = 0;
  std::vector<ClientTotals> clients;  // by id
};

// `pause` runs between two looks and gives others the time to finish a step; it may be empty.
Audit audit(const segment::Segment &segment, const std::function<void()> &pause = {});

}  // namespace mobula::objects
