// tools/status_text.h: what the raylet answers to a status request, for people. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace mobula::tools {

// Keys that are missing count as 0, "" or empty: the raylet may be of another version.
std::string status_text(const nlohmann::json &status);

}  // namespace mobula::tools
