// mobula-worker: the template for libraries of functions; started by the raylet, or by hand.
#include <ray/api/start_hook.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "mobula/runtime.h"
#include "wire/socket.h"

// Started by the raylet it never gets here: start_hook.h hands control to the template before main.
int main(int argc, char **argv) {
  using namespace mobula;
  CLI::App app("Workers of a running Mobula session, for functions in shared libraries.");
  std::string session = "default";
  std::vector<std::string> libraries;
  app.add_option("--session", session, "Name of the session")->capture_default_str();
  app.add_option("--library", libraries, "Shared library with the workers' functions; may be repeated")
      ->required()
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  try {
    std::string folder;
    if (const Status status = wire::session_folder(session, &folder)) {
      std::cerr << "mobula-worker: " << status->message << "\n";
      return 2;
    }
    return runtime::serve_as_template(wire::socket_path(folder), libraries);
  } catch (const std::exception &fault) {
    std::cerr << "mobula-worker: " << fault.what() << "\n";
    return 1;
  }
}
