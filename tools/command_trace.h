// tools/command_trace.h: `mobula trace`: the reference log as the life of objects.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

Command add_trace(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
