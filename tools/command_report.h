// tools/command_report.h: `mobula report`: a page about a session, its past and its present, in one file.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

Command add_report(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
