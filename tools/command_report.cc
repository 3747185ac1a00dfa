#include "tools/command_report.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "tools/doctor.h"
#include "tools/duration.h"
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

struct ReportOptions {
  std::string path;
  std::string min_age = "60s";
};

Status run(const Choice &choice, const ReportOptions &options, const std::string &maker, std::ostream &output) {
  const std::string &path = options.path;
  if (path.empty() && !choice.json)
    return base::failure(Code::kInvalidArgument, "report: give the page a name, -o report.html, or ask for --json");
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  objects::Audit audit;
  if (Status status = examine(look.raylet_pid, &audit)) return status;
  Report report = read_report(*look.segment, look.session,
                              {base::monotonic_ns(), base::wall_ns(), *parse_duration(options.min_age)});
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
  const auto options = std::make_shared<ReportOptions>();
  CLI::App *const command =
      add_command(app, "report", "Write a page: memory by line and holder over time, tasks, deaths, evictions", choice);
  command->add_option("-o,--output", options->path, "The page, such as report.html");
  command
      ->add_option("--min-age", options->min_age, "What nothing has needed for so long is a leak, such as 90s or 5min")
      ->check(CLI::Validator(check_duration, "TIME"))
      ->capture_default_str();
  const auto run_it = [choice, options, &app](std::ostream &output, int *) {
    return run(*choice, *options, app.version(), output);
  };
  return {command, run_it};
}

}  // namespace mobula::tools
