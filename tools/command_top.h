// tools/command_top.h: `mobula top`: what a session does, while it does it.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

Command add_top(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
