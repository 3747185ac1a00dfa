// tools/memory_text.h: the references of a session, for people and for programs. Pure, but for command lines.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tools/json_writer.h"
#include "tools/references.h"

namespace mobula::tools {

enum class GroupBy { kSite, kPid, kType };

struct MemoryView {
  std::string session;
  const tasks::Holdings *holdings = nullptr;
  Labels *labels = nullptr;
  std::vector<ReferenceRow> rows;  // sorted
  std::optional<GroupBy> group_by;
  std::size_t limit = 0;
};

// "objects 3,145,728 + pooled 0 + free 1,048,576 + tables 2,097,152 = 6,291,456 bytes; kernel 6,291,456: equal".
std::string ledger_line(const objects::Footprint &footprint);
// "bytes": {"objects", "pooled", "free", "tables", "kernel", "capacity"}.
void footprint_json(const objects::Footprint &footprint, JsonWriter &json);
// Bytes of objects: each counted once.
std::uint64_t object_bytes(const tasks::Holdings &holdings);

// A line of totals, the ledger line, then at most `limit` rows or groups, then a line that says how many are left out.
std::string memory_text(const MemoryView &view);
// One line of key=value.
std::string memory_stats(const MemoryView &view);
// {"session", "totals": {...}, "bytes": {"objects", "pooled", "free", "tables", "kernel", "capacity"},
// "processes": [{"pid", "kind", "command"}], "references": [{"pid", "process", "call_site", "status", "size_bytes",
// "reference", "object_id", "age_ms", "held_ms", "handles", "created_at", "creator_pid"}]}; with groups
// "groups": [{"group", "objects", "references", "handles", "bytes"}] in place of "references". null: unknown.
void memory_json(const MemoryView &view, bool stats_only, std::ostream &output);

}  // namespace mobula::tools
