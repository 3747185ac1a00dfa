#include "tools/command_memory.h"

#include <map>

#include "base/clock.h"
#include "tools/memory_text.h"

namespace mobula::tools {
namespace {

constexpr std::size_t kRowsDefault = 100;

struct MemoryOptions {
  std::size_t limit = kRowsDefault;
  std::string group_by;
  SortBy sort_by = SortBy::kSize;
  bool stats_only = false;
};

const std::map<std::string, SortBy> kSortKeys = {{"size", SortBy::kSize},
                                                 {"age", SortBy::kAge},
                                                 {"pid", SortBy::kPid},
                                                 {"site", SortBy::kSite},
                                                 {"handles", SortBy::kHandles}};
const std::map<std::string, GroupBy> kGroupKeys = {
    {"call-site", GroupBy::kSite}, {"pid", GroupBy::kPid}, {"type", GroupBy::kType}};

Status run(const Choice &choice, const MemoryOptions &options, std::ostream &output) {
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  const tasks::Holdings holdings = tasks::read_holdings(*look.segment, base::monotonic_ns(), is_alive);
  Labels labels(*look.segment, holdings);
  MemoryView view{look.session, &holdings, &labels, list_references(holdings, labels), {}, options.limit};
  if (!options.group_by.empty()) view.group_by = kGroupKeys.at(options.group_by);
  if (!view.group_by && !options.stats_only) sort(holdings, options.sort_by, labels, &view.rows);
  if (choice.json)
    memory_json(view, options.stats_only, output);
  else
    output << (options.stats_only ? memory_stats(view) : memory_text(view));
  return nullptr;
}

}  // namespace

Command add_memory(CLI::App &app, Choice *choice) {
  const auto options = std::make_shared<MemoryOptions>();
  CLI::App *const command =
      add_command(app, "memory", "List the references: process, line, size, kind, age; asks nobody", choice);
  command->add_option("--limit", options->limit, "Rows to list; --json always gives all")->capture_default_str();
  command->add_option("--sort-by", options->sort_by, "What comes first (default: size)")
      ->transform(CLI::CheckedTransformer(kSortKeys));
  command->add_option("--group-by", options->group_by, "Sums of each in place of rows")
      ->check(CLI::IsMember({"call-site", "pid", "type"}));
  command->add_flag("--stats-only", options->stats_only, "One line of sums, key=value");
  return {command, [choice, options](std::ostream &output, int *) { return run(*choice, *options, output); }};
}

}  // namespace mobula::tools
