// tools/command_leaks.h: `mobula leaks`: what the session holds that nothing has needed for some time, and who has it.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

Command add_leaks(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
