// tools/command_metrics.h: `mobula metrics`: a session's figures for Prometheus.
#pragma once

#include "tools/command.h"

namespace mobula::tools {

// Read from the segment without asking the raylet. A file is replaced as a whole, or left as it is.
Command add_metrics(CLI::App &app, Choice *choice);

}  // namespace mobula::tools
