#include "tools/command_metrics.h"

#include "base/clock.h"
#include "metrics/families.h"
#include "tools/write_file.h"

namespace mobula::tools {
namespace {

Status run(const Choice &choice, const std::string &file, std::ostream &output) {
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  const std::string text =
      metrics::text_of(metrics::read_session(*look.segment), {look.session, base::monotonic_ns(), base::wall_ns()});
  if (!file.empty()) return replace_file(file, text);
  output << text;
  return nullptr;
}

}  // namespace

Command add_metrics(CLI::App &app, Choice *choice) {
  const auto file = std::make_shared<std::string>();
  CLI::App *const command =
      add_command(app, "metrics", "Print a session's figures in the text format of Prometheus", choice);
  command->add_option("-o,--output", *file,
                      "Write them to this file, which is replaced as a whole: for node_exporter's textfile collector");
  return {command, [choice, file](std::ostream &output, int *) { return run(*choice, *file, output); }};
}

}  // namespace mobula::tools
