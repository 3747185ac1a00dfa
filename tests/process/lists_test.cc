// mobula list and mobula summary: what there is in a session, as others see it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;
using nlohmann::json;

namespace {

int wait_for_file(std::string path) {
  while (!std::filesystem::exists(path)) ::usleep(5'000);
  return 0;
}
int add(int a, int b) { return a + b; }

class Counter {
 public:
  static Counter *Make() { return new Counter; }
  int Add() { return ++count_; }
  int Wait(std::string path) { return wait_for_file(std::move(path)); }

 private:
  int count_ = 0;
};

RAY_REMOTE(wait_for_file, add, Counter::Make, &Counter::Add, &Counter::Wait);

json told(std::vector<std::string> command) {
  command.insert(command.begin(), program("MOBULA_COMMAND"));
  command.insert(command.end(), {"--json", "--session", own_session()});
  const auto run = mobula::support::run_program(command, mobula::support::inside_case());
  require(run.ok, run.reason + " " + run.errors);
  return json::parse(run.output);
}

std::size_t listed(const std::string &what, const std::vector<std::string> &filters) {
  std::vector<std::string> command{"list", what};
  for (const std::string &filter : filters) command.insert(command.end(), {"--filter", filter});
  return told(command)[what].size();
}

void require_listed(std::size_t wanted, const std::string &what, const std::vector<std::string> &filters) {
  require(eventually([&] { return listed(what, filters) == wanted; }),
          what + " with " + filters[0] + ": " + told({"list", what}).dump(1));
}

}  // namespace

TEST_SUITE("process/lists") {
  TEST_CASE("tasks that run and wait, actors, workers, clients and objects are listed and counted") {
    CHECK(in_session([] {
      const std::string opens = case_folder() + "/opens";
      const auto actor = ray::Actor(Counter::Make).Remote();
      require(*actor.Task(&Counter::Add).Remote().Get() == 1, "the actor counts");
      const auto held = ray::Put(std::string(100'000, 'x'));
      const auto gate = ray::Task(wait_for_file).Remote(opens);
      std::vector<ray::ObjectRef<int>> sums;
      for (int i = 0; i < 3; ++i) sums.push_back(ray::Task(add).Remote(gate, i));
      const auto called = actor.Task(&Counter::Wait).Remote(opens);
      const auto behind = actor.Task(&Counter::Add).Remote();

      require_listed(1, "tasks", {"function=wait_for_file", "state=running", "kind=task"});
      require_listed(3, "tasks", {"state=queued", "kind=task", "submitter_pid=" + std::to_string(::getpid())});
      require_listed(2, "tasks", {"kind=actor call"});
      require_listed(1, "actors", {"state=alive", "running=1"});
      require_listed(2, "workers", {"state=running"});
      require_listed(1, "clients", {"kind=driver", "pid=" + std::to_string(::getpid())});
      require_listed(1, "objects", {"id=" + hex(held.ID()), "state=sealed", "handles=1", "created_at~lists_test.cc:"});
      const json summary = told({"summary"});
      require(summary["actors"] == json({{"alive", 1}}), summary.dump());
      require(summary["tasks"].size() >= 3, summary.dump());

      std::ofstream(opens) << "open";
      ray::Get(sums);
      require(*behind.Get() == 2, "the actor goes on");
      called.Get();
      require_listed(0, "tasks", {"state=running"});
      std::filesystem::remove(opens);
    }));
  }

  TEST_CASE("a list of nothing that exists and a filter that is none are refused") {
    CHECK(in_session([] {
      auto options = mobula::support::inside_case();
      options.report = false;
      const auto run = [&](std::vector<std::string> command) {
        command.insert(command.begin(), program("MOBULA_COMMAND"));
        return mobula::support::run_program(command, options);
      };
      CHECK(run({"list", "dreams"}).exit_code == 2);
      const auto refused = run({"list", "tasks", "--filter", "dreams=1", "--session", own_session()});
      CHECK(refused.exit_code == 1);
      CHECK(contains(refused.errors, "with one of name, function, state"));
    }));
  }
}
