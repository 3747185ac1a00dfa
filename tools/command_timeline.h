// tools/command_timeline.h: `mobula timeline`: what processes did when, as a file for Perfetto.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

Command add_timeline(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
