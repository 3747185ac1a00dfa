// mobula top: blocks without a terminal, and a terminal that is as it was afterwards.
#include <doctest/doctest.h>
#include <pty.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::inside_case;
using mobula::support::run_program;
using mobula::support::RunResult;

namespace {

int nap(int ms) {
  ::usleep(static_cast<useconds_t>(ms) * 1'000);
  return ::getpid();
}
RAY_REMOTE(nap);

RunResult top(std::vector<std::string> more) {
  std::vector<std::string> command{program("MOBULA_COMMAND"), "top", "--session", own_session()};
  command.insert(command.end(), more.begin(), more.end());
  auto options = inside_case();
  options.report = false;  // its words are what the case looks at
  return run_program(command, options);
}

// What it writes to a terminal until Ctrl-C, which is typed there once it has shown something.
std::string on_terminal(const std::string &session) {
  const std::string command = program("MOBULA_COMMAND");
  const winsize size{12, 60, 0, 0};
  int terminal = -1;
  const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (pid == 0) {
    ::execl(command.c_str(), "mobula", "top", "--session", session.c_str(), "--every", "100ms", nullptr);
    ::_exit(127);
  }
  std::string text;
  char buffer[4096];
  bool is_typed = false;
  for (ssize_t got = 0; (got = ::read(terminal, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
    if (!is_typed && contains(text, "Tasks ")) is_typed = ::write(terminal, "\x03", 1) == 1;
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  ::close(terminal);
  mobula::support::require(status == 0, "status " + std::to_string(status) + ": " + text);
  return text;
}

}  // namespace

TEST_SUITE("process/top") {
  TEST_CASE("one block tells bytes, who runs what since when, and the largest call sites, without escape codes") {
    CHECK(in_session([] {
      const auto held = ray::Put(std::string(300'000, 'x'));
      const auto running = ray::Task(nap).Remote(20'000);
      ::usleep(200'000);
      const RunResult run = top({"--count", "1", "--every", "200ms"});
      CHECK(run.ok);
      CHECK(contains(run.output, "Session " + own_session()));
      CHECK(contains(run.output, " of 64 MiB used"));
      CHECK(contains(run.output, "1 running"));
      CHECK(contains(run.output, " ms  nap\n"));
      CHECK(contains(run.output, "top_test.cc:"));
      CHECK(contains(run.output, "293 KiB"));
      CHECK_FALSE(contains(run.output, "\x1b"));
    }));
  }

  TEST_CASE("JSON is one line for each look, with the rates of the time between") {
    CHECK(in_session([] {
      std::vector<ray::ObjectRef<int>> results;
      for (int i = 0; i < 400; ++i) results.push_back(ray::Task(nap).Remote(2));
      const RunResult run = top({"--json", "--count", "2", "--every", "100ms"});
      CHECK(run.ok);
      std::istringstream lines(run.output);
      std::size_t count = 0;
      double rate = 0;
      for (std::string line; std::getline(lines, line); ++count) {
        const auto json = nlohmann::json::parse(line);
        rate += json["tasks_per_second"].get<double>();
        CHECK(json["processes"].size() >= 3);
      }
      CHECK(count == 2);
      CHECK(rate > 0);
      ray::Get(results);
    }));
  }

  TEST_CASE("a terminal gets frames of its size, and is as it was after Ctrl-C") {
    CHECK(in_session([] {
      const std::string text = on_terminal(own_session());
      CHECK(text.starts_with("\x1b[?1049h\x1b[?25l"));
      const std::size_t back = text.find("\x1b[?25h\x1b[?1049l");
      REQUIRE(back != std::string::npos);
      CHECK_FALSE(contains(text.substr(back + 14), "\x1b"));
    }));
  }

  TEST_CASE("wrong words have status 2, and a stopped raylet is looked at all the same") {
    CHECK(in_session([] {
      CHECK(top({"--every", "1ms"}).exit_code == 2);
      const pid_t raylet = raylet_of(own_session());
      ::kill(raylet, SIGSTOP);
      const RunResult run = top({"--count", "1", "--every", "100ms"});
      ::kill(raylet, SIGCONT);
      CHECK(run.ok);
    }));
  }
}
