// tools/command_doctor.h: `mobula doctor`: whether a session's ledgers agree, and what else is not well.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

// Status kFound when ledgers differ; findings are no failures. Asks nobody, so the raylet may hang.
Command add_doctor(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
