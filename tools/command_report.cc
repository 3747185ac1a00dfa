#include "tools/command_report.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "tools/doctor.h"
#include "tools/report_html.h"
#include "tools/report_json.h"
#include "tools/report_read.h"
#include "tools/write_file.h"

namespace mobula::tools {
namespace {

constexpr int kJsonIndent = 2;

// Another file is put in the place of the old one, so a pipe or a device would be lost.
Status write_page(const std::string &path, const std::string &page) {
  std::error_code missing;
  const std::filesystem::file_status there = std::filesystem::status(path, missing);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    return base::failure(Code::kInvalidArgument, fmt::format("cannot write {}: it is no file", path));
  return replace_file(path, page);
}

Status run(const Choice &choice, const std::string &path, const std::string &maker, std::ostream &output) {
  if (path.empty() && !choice.json)
    return base::failure(Code::kInvalidArgument, "report: give the page a name, -o report.html, or ask for --json");
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  objects::Audit audit;
  if (Status status = examine(look.raylet_pid, &audit)) return status;
  Report report = read_report(*look.segment, look.session, {base::monotonic_ns(), base::wall_ns()});
  report.maker = maker;
  add_ledgers(look.session, audit, &report);
  if (!path.empty()) {
    if (Status status = write_page(path, report_html(report))) return status;
  }
  if (choice.json)
    output << report_json(report).dump(kJsonIndent, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  else
    output << fmt::format("Session {}: {} is written; open it in a browser.\n", look.session, path);
  return nullptr;
}

}  // namespace

Command add_report(CLI::App &app, Choice *choice) {
  const auto path = std::make_shared<std::string>();
  CLI::App *const command =
      add_command(app, "report", "Write a page: memory by line and holder over time, tasks, deaths, evictions", choice);
  command->add_option("-o,--output", *path, "The page, such as report.html");
  const auto run_it = [choice, path, &app](std::ostream &output, int *) {
    return run(*choice, *path, app.version(), output);
  };
  return {command, run_it};
}

}  // namespace mobula::tools
