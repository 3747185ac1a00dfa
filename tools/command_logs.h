// tools/command_logs.h: `mobula logs`: what the raylet of a session has written into its log.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/command.h"

namespace mobula::tools {

// Reads the files; asks the raylet nothing. With --follow it returns when the session has ended.
Command add_logs(CLI::App &app, Choice *choice);

// The last lines of a text. Pure.
std::vector<std::string> last_lines(const std::string &text, std::size_t count);

}  // namespace mobula::tools
