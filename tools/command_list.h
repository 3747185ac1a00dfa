// tools/command_list.h: `mobula list` and `mobula summary`: objects, tasks, actors, workers and clients.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

Command add_list(CLI::App &app, Choice *choice);
Command add_summary(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
