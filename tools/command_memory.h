// tools/command_memory.h: `mobula memory`: each reference of the session, with its object, its process and its line.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

Command add_memory(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
