// How costs grow with what there is: objects, queued tasks, client processes, threads, and the size of the store. Exit
// status 1 when a curve that is promised to be flat is not.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "scale/curves.h"

namespace {

using bench::scale::Curves;
using bench::scale::Settings;

constexpr const char *kUsage =
    "usage: scale_bench [--json FILE] [--quick] [--only PART] [--seconds S]\n"
    "  --quick      smaller sizes, shorter spans\n"
    "  --seconds S  of each point, instead of 0.5; with --quick 0.1\n"
    "  --only PART  one of: clients, live-objects, freeing, queued-tasks, threads, store-sizes\n"
    "Needs 16 GiB of free memory; with --quick 3 GiB. Takes some minutes.\n";

struct Part {
  const char *name;
  void (*measure)(Curves &curves, const Settings &settings);
};
// The clients first: their parent must be in no session.
constexpr Part kParts[] = {
    {"clients", bench::scale::measure_clients}, {"live-objects", bench::scale::measure_live_objects},
    {"freeing", bench::scale::measure_freeing}, {"queued-tasks", bench::scale::measure_queued_tasks},
    {"threads", bench::scale::measure_threads}, {"store-sizes", bench::scale::measure_store_sizes},
};

Settings read_settings(int argc, char **argv) {
  Settings settings;
  settings.only = bench::argument_after(argc, argv, "--only");
  if (bench::has_flag(argc, argv, "--quick")) settings = {true, 0.1, settings.only, 1e5, 16, 1};
  const std::string seconds = bench::argument_after(argc, argv, "--seconds");
  if (!seconds.empty()) settings.seconds = std::stod(seconds);
  bool known = settings.only.empty();
  for (const Part &part : kParts) known = known || settings.only == part.name;
  if (!known) throw std::invalid_argument("there is no part '" + settings.only + "'; see --help");
  return settings;
}

bool run(int argc, char **argv) {
  const Settings settings = read_settings(argc, argv);
  bench::Table table;
  Curves curves(table);
  for (const Part &part : kParts) {
    if (!settings.only.empty() && settings.only != part.name) continue;
    std::printf("%s\n", part.name);
    std::fflush(stdout);
    part.measure(curves, settings);
  }
  const std::string json = bench::argument_after(argc, argv, "--json");
  if (!json.empty() && !table.write_json(json)) throw std::runtime_error("cannot write " + json);
  for (const std::string &told : curves.broken()) std::printf("BROKEN: %s\n", told.c_str());
  return curves.all_kept();
}

}  // namespace

int main(int argc, char **argv) {
  if (bench::has_flag(argc, argv, "--help")) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    return run(argc, argv) ? 0 : 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "scale_bench: %s\n", error.what());
    return 2;
  }
}
