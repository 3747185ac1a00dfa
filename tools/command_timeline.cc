#include "tools/command_timeline.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "tools/timeline.h"

namespace mobula::tools {
namespace {

constexpr const char *kOutput = "-";  // the standard output, as a file's name

Status run(const Choice &choice, const std::string &path, std::ostream &output) {
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  Timeline timeline = read_timeline(*look.segment, look.raylet_pid, base::monotonic_ns());
  timeline.session = look.session;
  // Functions and command lines may hold any bytes.
  const std::string text = timeline_json(timeline).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (path == kOutput) {
    output << text << "\n";
  } else {
    std::ofstream file(path);
    file << text << "\n" << std::flush;
    if (!file) return base::failure(Code::kInvalidArgument, fmt::format("cannot write to '{}'", path));
  }
  std::cerr << fmt::format("Session {}: ", look.session) << timeline_text(timeline);
  if (path != kOutput && choice.json) {
    output << nlohmann::json({{"session", look.session}, {"file", path}}).dump() << "\n";
  } else if (path != kOutput) {
    output << fmt::format("{} is written: open it at https://ui.perfetto.dev\n", path);
  }
  return nullptr;
}

}  // namespace

Command add_timeline(CLI::App &app, Choice *choice) {
  CLI::App *const command =
      add_command(app, "timeline",
                  "Write what each process did when, for Perfetto or chrome://tracing: tasks, waits, deaths", choice);
  const auto path = std::make_shared<std::string>("trace.json");
  command->add_option("-o,--output", *path, "The file; - is the standard output")->capture_default_str();
  return {command, [choice, path](std::ostream &output, int *) { return run(*choice, *path, output); }};
}

}  // namespace mobula::tools
