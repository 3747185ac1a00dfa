// tools/command_chaos.h: `mobula chaos`: a program under kills, and what it leaves behind.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

Command add_chaos(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
