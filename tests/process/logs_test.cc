// The raylet's log, as `mobula logs` prints it.
#include <doctest/doctest.h>

#include "process/named_session.h"
#include "support/child.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_isolated;
using mobula::support::run_program;
using mobula::support::RunResult;

namespace {

int fail_in_a_task() { ::abort(); }
int add(int a, int b) { return a + b; }
RAY_REMOTE(fail_in_a_task, add);

RunResult logs(const std::string &session, std::vector<std::string> more = {}) {
  std::vector<std::string> command{program("MOBULA_COMMAND"), "logs", "--session", session};
  command.insert(command.end(), more.begin(), more.end());
  auto options = inside_case();
  options.report = false;
  return run_program(command, options);
}

}  // namespace

TEST_SUITE("process/logs") {
  TEST_CASE("a session's events are lines with their ids, and a task's death tells the task") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("told");
      join("told", [] {
        require(*ray::Task(add).Remote(1, 2).Get() == 3, "a task");
        CHECK(!text_thrown_by<ray::internal::RayWorkerException>([] {
                 ray::Task(fail_in_a_task).Remote().Get();
               }).empty());
      });
      std::string text;
      CHECK(eventually([&] {
        text = logs("told").output;
        return contains(text, "left the session") && contains(text, "client 1 is cleared: pid ");
      }));
      CHECK(
          contains(text, "[info] session told begins: raylet pid " + std::to_string(session.pid()) + ", 2 tasks at a"));
      CHECK(contains(text, "[info] client 1 joins: pid " + std::to_string(::getpid()) + " (driver "));
      CHECK(contains(text, "[info] template 1 is ready: pid "));
      CHECK(contains(text, " (worker): killed by SIGABRT, in fail_in_a_task, for object "));
      CHECK(contains(logs("told", {"--json", "--last", "3"}).output, "\"lines\": ["));
      const std::string last = logs("told", {"--last", "3"}).output;
      CHECK(std::count(last.begin(), last.end(), '\n') == 3);
    }));
  }

  TEST_CASE("who follows a log sees new lines at once, and its end with the session") {
    CHECK(run_isolated(small_session(), [] {
      NamedSession session("followed");
      Child reader({program("MOBULA_COMMAND"), "logs", "--session", "followed", "--follow", "--last", "1"});
      CHECK(contains(reader.read_line(), "session followed begins"));
      join("followed", [] { require(*ray::Task(add).Remote(1, 2).Get() == 3, "a task"); });
      CHECK(contains(reader.read_line(), "client 1 joins: pid "));
      ::kill(session.pid(), SIGTERM);
      std::string line;
      while (!contains(line, "session followed ends: signal 15; ")) line = reader.read_line();
      CHECK(reader.wait().exit_code == 0);
    }));
  }

  TEST_CASE("a level from the environment leaves lines out; a raylet in the foreground has no file") {
    CHECK(run_isolated(small_session(30'000, {{"MOBULA_LOG_LEVEL", "warning"}}), [] {
      const NamedSession session("quiet");
      join("quiet", [] {});
      const RunResult run = logs("quiet");
      CHECK(run.exit_code == 0);
      CHECK(run.output.empty());
    }));
    CHECK(run_isolated(small_session(), [] {
      Child raylet({program("MOBULA_RAYLET"), "--session", "shown", "--foreground", "--memory", "8MiB"});
      RunResult run;
      CHECK(eventually([&] {
        run = logs("shown");
        return contains(run.errors, "--foreground");
      }));
      CHECK(run.exit_code == 1);
      raylet.send_signal(SIGTERM);
      CHECK(raylet.wait().exit_code == 0);
    }));
  }
}
