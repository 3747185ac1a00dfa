// mobula timeline: what it writes can be opened by what reads Chrome trace events.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::inside_case;
using mobula::support::run_program;
using mobula::support::RunResult;
using nlohmann::json;

namespace {

int nap(int ms) {
  ::usleep(static_cast<useconds_t>(ms) * 1'000);
  return ::getpid();
}
int nest(int ms) { return *ray::Task(nap).Remote(ms).Get(); }
int die() {
  ::kill(::getpid(), SIGSEGV);
  return 0;
}
RAY_REMOTE(nap, nest, die);

// The file is read by Python, too, so that it is not JSON to ourselves alone.
const char *const kPython =
    "import json, sys\n"
    "trace = json.load(open(sys.argv[1]))\n"
    "open_until = {}\n"
    "slices = [e for e in trace['traceEvents'] if e['ph'] == 'X']\n"
    "for e in trace['traceEvents']:\n"
    "    assert {'ph', 'ts', 'pid', 'tid', 'name'} <= e.keys(), e\n"
    "    assert e['ts'] >= 0 and isinstance(e['pid'], int), e\n"
    "    assert e['ph'] in 'XMiC', e\n"
    "for e in sorted(slices, key=lambda e: (e['ts'], -e['dur'])):\n"
    "    stack = open_until.setdefault((e['pid'], e['tid']), [])\n"
    "    while stack and stack[-1] <= e['ts'] + 1e-3:\n"
    "        stack.pop()\n"
    "    assert not stack or e['ts'] + e['dur'] <= stack[-1] + 1e-3, e\n"
    "    stack.append(e['ts'] + e['dur'])\n"
    "named = {e['pid'] for e in trace['traceEvents'] if e['ph'] == 'M' and e['name'] == 'process_name'}\n"
    "assert all(e['pid'] in named for e in trace['traceEvents']), named\n"
    "print(len(slices), 'slices')\n";

struct Written {
  json events;
  std::string errors;
  RunResult python;
};

Written timeline() {
  const std::string path = case_folder() + "/trace.json";
  const RunResult run =
      run_program({program("MOBULA_COMMAND"), "timeline", "--session", own_session(), "-o", path}, inside_case());
  CHECK(contains(run.output, "ui.perfetto.dev"));
  Written written;
  written.errors = run.errors;
  written.python = run_program({"python3", "-c", kPython, path}, inside_case());
  std::ifstream file(path);
  written.events = json::parse(file)["traceEvents"];
  std::filesystem::remove(path);
  return written;
}

std::size_t count(const json &events, const std::string &phase, const std::string &name) {
  return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [&](const json &event) {
    return event["ph"] == phase && contains(event["name"], name);
  }));
}

std::size_t count_tasks(const json &events, const std::string &function) {
  return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [&](const json &event) {
    return event["ph"] == "X" && event["cat"] == "task" && event["name"] == function;
  }));
}

}  // namespace

TEST_SUITE("process/timeline") {
  TEST_CASE("tasks, waits inside of them, and the processes' names are there") {
    CHECK(in_session([] {
      for (int i = 0; i < 3; ++i) ray::Task(nest).Remote(20).Get();
      const auto running = ray::Task(nap).Remote(5'000);
      ::usleep(200'000);
      const Written written = timeline();
      CHECK(written.python.ok);
      CHECK(count_tasks(written.events, "nest") == 3);
      CHECK(count_tasks(written.events, "nap") == 4);
      CHECK(count(written.events, "X", "wait at ") >= 3);
      CHECK(count(written.events, "M", "process_name") >= 4);
      CHECK(count(written.events, "C", "used bytes") >= 1);
      CHECK(contains(written.errors, "It reaches back to the session's start."));
      for (const json &event : written.events) {
        if (event["name"] == "nest") CHECK(event["dur"].get<double>() >= 20'000);
      }
    }));
  }

  TEST_CASE("deaths are instants with their cause and task") {
    CHECK(in_session([] {
      CHECK_THROWS(ray::Task(die).Remote().Get());
      const Written written = timeline();
      CHECK(written.python.ok);
      CHECK(count(written.events, "i", "killed by SIGSEGV in die") >= 1);
    }));
  }

  TEST_CASE("of more than is kept it is said how far back it reaches; a file that cannot be written is an error") {
    CHECK(in_session([] {
      std::vector<ray::ObjectRef<int>> results;
      for (int i = 0; i < 2'000; ++i) results.push_back(ray::Task(nap).Remote(0));
      ray::Get(results);
      const Written written = timeline();
      CHECK(written.python.ok);
      CHECK(contains(written.errors, "Each process keeps its last 256"));
      CHECK(contains(written.errors, " overwritten"));
      auto options = inside_case();
      options.report = false;
      const RunResult refused = run_program(
          {program("MOBULA_COMMAND"), "timeline", "--session", own_session(), "-o", "/no/such/folder/t.json"}, options);
      CHECK(refused.exit_code == 1);
      CHECK(contains(refused.errors, "cannot write"));
    }));
  }
}
