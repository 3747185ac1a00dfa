// tasks/resources_text.h: the resources of a session, as a command line names them.
//   Threads    pure
//   Errors     a condition as a text for people
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tasks/resources.h"

namespace mobula::tasks {

// What `--resources` names: a JSON object of numbers, such as {"gpu_x": 1, "licence": 0.5}. "" names nothing. Nothing,
// and a text, when it is no such object, or names CPU or GPU, which have options of their own.
std::optional<Quantities> parse_resources(std::string_view json, std::string *why);

// All that a session has. REQUIRES: `others` as parse_resources() gives them, at most kDevicesMax GPUs.
Quantities session_resources(std::uint32_t cpus, std::uint32_t gpus, Quantities others);

}  // namespace mobula::tasks
