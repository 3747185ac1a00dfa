// The worker template's death: that of a session's library, and a driver's own program.
#include <doctest/doctest.h>

#include "crash/tasks.h"
#include "process/named_session.h"

using namespace mobula::process;
using mobula::support::inside_case;
using mobula::support::run_isolated;
using mobula::support::run_program;

namespace {

int own_pid(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return ::getpid();
}

RAY_REMOTE(own_pid);

pid_t only_template(const std::string &session) {
  const std::vector<pid_t> templates = pids_in(session, "templates");
  CHECK(templates.size() == 1);
  return templates.empty() ? 0 : templates.front();
}

// Kills it while a task runs, which gives its worker's pid; then its workers, too.
template <typename Run, typename Use>
void kill_template(const std::string &session, Run run, Use use) {
  use();
  run(0).Get();  // a worker that did not become an actor
  const pid_t first = only_template(session);
  const std::vector<pid_t> workers = pids_in(session, "workers");
  const auto running = run(200);
  ::usleep(20'000);
  ::kill(first, SIGKILL);
  CHECK(all_end({first}));
  const pid_t worker = *running.Get();
  CHECK(std::find(workers.begin(), workers.end(), worker) != workers.end());
  CHECK_FALSE(has_ended(worker));
  use();
  for (const pid_t worker : pids_in(session, "workers")) ::kill(worker, SIGKILL);
  use();  // needs new workers, so a new template
  CHECK(only_template(session) != first);
}

}  // namespace

TEST_SUITE("process/deaths_template") {
  TEST_CASE("a killed template of a session's library is started again, and its workers go on meanwhile") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("library",
                                 {"--workers", "2", "--memory", "8MiB", "--library", program("MOBULA_TASK_LIBRARY")});
      join("library", [] {
        for (int round = 0; round < 5; ++round) {
          kill_template(
              "library", [](int wait_ms) { return ray::Task(mobula::crash::pid_after).Remote(wait_ms); },
              [] { CHECK(mobula::crash::exercise(3) == 3); });
        }
      });
      // A cycle stays when a worker still had hold of it at the moment of the driver's own mark pass.
      const auto pass = run_program({program("MOBULA_COMMAND"), "gc", "--session", "library"}, inside_case());
      CHECK(pass.ok);
      CHECK(becomes_empty("library"));
    }));
  }

  TEST_CASE("a killed template of a driver's own program is started again, and its workers go on meanwhile") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("own");
      join("own", [] {
        for (int round = 0; round < 5; ++round) {
          kill_template(
              "own", [](int wait_ms) { return ray::Task(own_pid).Remote(wait_ms); },
              [] { CHECK(*ray::Task(own_pid).Remote(1).Get() > 0); });
        }
      });
      CHECK(becomes_empty("own"));
    }));
  }
}
