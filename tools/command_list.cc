#include "tools/command_list.h"

#include <fmt/format.h>

#include <map>

#include "base/clock.h"
#include "base/units.h"
#include "tools/json_writer.h"
#include "tools/session_lists.h"
#include "tools/snapshot.h"

namespace mobula::tools {
namespace {

constexpr std::size_t kRowsDefault = 100;

struct ListOptions {
  std::string what;
  std::vector<std::string> filters;
  std::size_t limit = kRowsDefault;
};

// What is looked at, and the texts for it.
struct Scene {
  Look look;
  tasks::Holdings holdings;
  std::unique_ptr<Labels> labels;
  std::unique_ptr<SessionLists> lists;
};

Status open(const Choice &choice, Scene *scene) {
  if (Status status = look_at(choice, &scene->look)) return status;
  scene->holdings = tasks::read_holdings(*scene->look.segment, base::monotonic_ns(), is_alive);
  scene->labels = std::make_unique<Labels>(*scene->look.segment, scene->holdings);
  scene->lists = std::make_unique<SessionLists>(scene->holdings, *scene->labels);
  return nullptr;
}

Listing listing_of(const std::string &what, SessionLists &lists) {
  if (what == "objects") return lists.objects();
  if (what == "tasks") return lists.tasks();
  if (what == "actors") return lists.actors();
  return what == "workers" ? lists.workers() : lists.clients();
}

Status run_list(const Choice &choice, const ListOptions &options, std::ostream &output) {
  Scene scene;
  if (Status status = open(choice, &scene)) return status;
  Listing listing = listing_of(options.what, *scene.lists);
  if (Status status = listing.filter(options.filters)) return status;
  if (choice.json)
    listing.json(scene.look.session, output);
  else
    output << listing.text(options.limit);
  return nullptr;
}

// --- summary --------------------------------------------------------------------------------------------------------

using Counts = std::map<std::string, std::uint64_t>;  // by state

struct Summary {
  std::map<std::string, Counts> tasks;  // by function
  Counts actors;
  std::vector<std::pair<std::string, SiteSum>> objects;  // by call site, largest first
};

Summary summarize(Scene &scene) {
  Summary summary;
  for (const tasks::Task *task : scene.lists->live_tasks()) {
    ++summary.tasks[scene.labels->function(task->function)][SessionLists::state_of(*task)];
  }
  for (const ActorFacts &actor : scene.lists->live_actors()) ++summary.actors[actor.state];
  const Snapshot sites = take_snapshot(scene.holdings, *scene.labels);
  summary.objects.assign(sites.begin(), sites.end());
  std::stable_sort(summary.objects.begin(), summary.objects.end(),
                   [](const auto &a, const auto &b) { return a.second.bytes > b.second.bytes; });
  return summary;
}

std::string counts_text(const Counts &counts) {
  std::string text;
  for (const auto &[state, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", format_count(count), state);
  }
  return text.empty() ? "none" : text;
}

std::string summary_text(const Summary &summary, std::size_t limit) {
  Table tasks({{"FUNCTION"}, {"TASKS"}});
  for (const auto &[function, counts] : summary.tasks) tasks.add({function, counts_text(counts)});
  Table objects({{"SIZE", Table::Side::kRight}, {"OBJECTS", Table::Side::kRight}, {"CREATED AT"}});
  for (std::size_t i = 0; i < summary.objects.size() && i < limit; ++i) {
    const auto &[site, sum] = summary.objects[i];
    objects.add({base::format_bytes(sum.bytes), format_count(sum.objects), site.empty() ? "-" : site});
  }
  std::string text = summary.tasks.empty() ? "Tasks: none\n" : "Tasks:\n" + tasks.text(2);
  text += fmt::format("Actors: {}\n", counts_text(summary.actors));
  text += summary.objects.empty() ? "Objects: none\n" : "Objects:\n" + objects.text(2);
  if (summary.objects.size() > limit) text += fmt::format("  and {} more lines\n", summary.objects.size() - limit);
  return text;
}

void counts_json(const Counts &counts, JsonWriter &json) {
  json.begin_object();
  for (const auto &[state, count] : counts) json.key(state).number(count);
  json.end_object();
}

void summary_json(const std::string &session, const Summary &summary, std::ostream &output) {
  JsonWriter json(output);
  json.begin_object();
  json.key("session").text(session);
  json.line().key("tasks").begin_list();
  for (const auto &[function, counts] : summary.tasks) {
    json.line().begin_object();
    json.key("function").text(function);
    counts_json(counts, json.key("states"));
    json.end_object();
  }
  json.end_list();
  counts_json(summary.actors, json.line().key("actors"));
  json.line().key("objects").begin_list();
  for (const auto &[site, sum] : summary.objects) {
    json.line().begin_object();
    json.key("created_at").raw(site.empty() ? "null" : json_text(site));
    json.key("objects").number(sum.objects);
    json.key("bytes").number(sum.bytes);
    json.end_object();
  }
  json.end_list();
  json.end_object();
  json.finish();
}

Status run_summary(const Choice &choice, std::size_t limit, std::ostream &output) {
  Scene scene;
  if (Status status = open(choice, &scene)) return status;
  const Summary summary = summarize(scene);
  if (choice.json)
    summary_json(scene.look.session, summary, output);
  else
    output << summary_text(summary, limit);
  return nullptr;
}

}  // namespace

Command add_list(CLI::App &app, Choice *choice) {
  const auto options = std::make_shared<ListOptions>();
  CLI::App *const command = add_command(app, "list", "List what there is of one kind; asks nobody", choice);
  command->add_option("what", options->what, "objects, tasks, actors, workers or clients")
      ->required()
      ->check(CLI::IsMember({"objects", "tasks", "actors", "workers", "clients"}));
  command->add_option("--filter", options->filters,
                      "KEY=VALUE, KEY!=VALUE or KEY~PART, with a key of the JSON form; may be repeated");
  command->add_option("--limit", options->limit, "Rows to list; --json always gives all")->capture_default_str();
  return {command, [choice, options](std::ostream &output, int *) { return run_list(*choice, *options, output); }};
}

Command add_summary(CLI::App &app, Choice *choice) {
  const auto limit = std::make_shared<std::size_t>(kRowsDefault);
  CLI::App *const command =
      add_command(app, "summary", "Count tasks by function, actors by state and objects by line; asks nobody", choice);
  command->add_option("--limit", *limit, "Lines of objects to list; --json always gives all")->capture_default_str();
  return {command, [choice, limit](std::ostream &output, int *) { return run_summary(*choice, *limit, output); }};
}

}  // namespace mobula::tools
