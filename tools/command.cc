#include "tools/command.h"

#include <fmt/format.h>

#include <cstdlib>

#include "tools/control.h"
#include "tools/doctor.h"

namespace mobula::tools {

// Wherever it is written, before the command or after it.
void add_common(CLI::App &app, Choice *choice) {
  app.add_option("--session", choice->session,
                 "Name of the session (default: RAY_ADDRESS, else the only running one, else 'default')");
  app.add_flag("--json", choice->json, "Print JSON, for programs");
}

CLI::App *add_command(CLI::App &app, const std::string &name, const std::string &text, Choice *choice) {
  CLI::App *const command = app.add_subcommand(name, text);
  add_common(*command, choice);
  return command;
}

Status look_at(const Choice &choice, Look *look) {
  Control control;
  if (Status status = connect(choice, &control)) return status;  // tells the raylet's pid; nothing is asked
  look->session = control.session();
  look->raylet_pid = control.raylet_pid();
  return open_segment_of(look->raylet_pid, &look->segment);
}

}  // namespace mobula::tools
