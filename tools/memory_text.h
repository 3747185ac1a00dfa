// tools/memory_text.h: the objects of a session, for people and for programs. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tools/memory_rows.h"

namespace mobula::tools {

// A line of totals, then at most `limit` rows, then a line that says how many are left out.
std::string memory_text(const std::string &session, const std::vector<MemoryRow> &rows, std::size_t limit);
// {"session", "totals": {"objects", "bytes"}, "objects": [{"id", "size_bytes", "state", "age_ms", "creator_pid",
// "references": [kind...], "task_references", "captured_references", "holders": [{"pid", "kind", "references"}]}]}.
// Unknown ages and creators are null.
nlohmann::json memory_json(const std::string &session, const std::vector<MemoryRow> &rows);

}  // namespace mobula::tools
