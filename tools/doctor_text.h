// tools/doctor_text.h: what the audit of a session found, for people and for programs. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "objects/audit.h"
#include "tools/findings.h"

namespace mobula::tools {

bool agrees(const objects::Audit &audit);

// A line with the verdict, then each problem and each finding on a line with what to do about it.
std::string doctor_text(const std::string &session, const objects::Audit &audit,
                        const std::vector<Finding> &findings = {});
// {"session", "ok", "problems": [{"ledger", "text"}], "findings": [{"what", "why", "to_do"}],
// "problems_left_out", "raylet_rests", "objects", "specs",
// "buffers", "bytes": {"used", "pooled", "reserved", "kernel"},
// "clients": [{"id", "pid", "kind", "objects", "handles", "pins"}]}.
nlohmann::json doctor_json(const std::string &session, const objects::Audit &audit,
                           const std::vector<Finding> &findings = {});

}  // namespace mobula::tools
