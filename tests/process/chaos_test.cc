// mobula chaos: programs under kills that are clean, that leak, that fail, and that are nothing of the kind.
#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "process/session_case.h"
#include "support/child.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_isolated;
using mobula::support::run_program;
using mobula::support::RunResult;

namespace {

constexpr int kFound = 3;

std::vector<std::string> chaos_command(std::vector<std::string> options, std::vector<std::string> program_words) {
  std::vector<std::string> command{program("MOBULA_COMMAND"), "chaos", "--workers", "2", "--memory", "64MiB"};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {"--", program("MOBULA_CHAOS_PROGRAM")});
  command.insert(command.end(), program_words.begin(), program_words.end());
  return command;
}

// As part of a case, which looks for everything that is left.
RunResult chaos(std::vector<std::string> options, std::vector<std::string> program_words) {
  auto run = inside_case(60'000);
  run.report = false;  // its words and its status are what the case looks at
  return run_program(chaos_command(std::move(options), std::move(program_words)), run);
}

nlohmann::json chaos_json(std::vector<std::string> options, std::vector<std::string> program_words, int status) {
  options.push_back("--json");
  const RunResult run = chaos(std::move(options), std::move(program_words));
  require(run.exit_code == status, "exit status " + std::to_string(run.exit_code) + ": " + run.output + run.errors);
  return nlohmann::json::parse(run.output);
}

bool is_empty_folder(const std::string &path) {
  std::error_code code;
  return !std::filesystem::exists(path, code) || std::filesystem::is_empty(path, code);
}

}  // namespace

TEST_SUITE("process/chaos") {
  TEST_CASE("a clean program is clean, whatever is killed, and nothing of it is left on the machine") {
    CHECK(run_isolated(small_session(90'000), [] {
      const nlohmann::json result = chaos_json(
          {"--kill-workers", "10/s", "--kill-drivers", "1/s", "--stop-workers", "2/s", "--seed", "7", "--for", "5s"},
          {"work"}, 0);
      CHECK(result["verdict"] == "clean");
      CHECK(result["ledgers"]["ok"] == true);
      CHECK(result["left"]["objects"] == 0);
      CHECK(result["strikes"]["workers_killed"] >= 10);
      CHECK(result["strikes"]["drivers_killed"] >= 1);
      CHECK(result["strikes"]["workers_stopped"] >= 1);
      CHECK(result["runs"]["started"] >= 2);
      CHECK(result["runs"]["killed"] >= 1);
      CHECK(result["runs"]["failed"] == 0);
      CHECK(result["tasks"] >= 100);
      CHECK(result["peak"]["used_bytes"] >= 1000);
      CHECK(result["points"]["rows"].size() >= 20);
      // Some of those that were struck were about to end for another reason.
      CHECK(result["deaths"]["worker: killed by SIGKILL"] >= result["strikes"]["workers_killed"].get<int>() / 2);
      CHECK(is_empty_folder(case_folder() + "/mobula"));
    }));
  }

  TEST_CASE("a program whose detached actor keeps an object is not clean, and object, holder and lines are named") {
    CHECK(run_isolated(small_session(60'000), [] {
      const std::string plot = case_folder() + "/plot.svg";
      const RunResult run = chaos(
          {"--kill-workers", "0", "--kill-drivers", "1/s", "--seed", "3", "--for", "2s", "--plot", plot}, {"leak"});
      CHECK(run.exit_code == kFound);
      CHECK(contains(run.output, "Left      1 object, 293 KiB"));
      CHECK(contains(run.output, "chaos_program.cc:65 leak()"));
      CHECK(contains(run.output, " worker  argument 1 of &Hoard::Keep"));
      CHECK(contains(run.output, "Verdict   not clean"));
      CHECK(contains(run.output, "4 ledgers agree"));
      std::ifstream file(plot);
      std::stringstream svg;
      svg << file.rdbuf();
      CHECK(contains(svg.str(), "<polyline"));
      std::filesystem::remove(plot);
    }));
  }

  TEST_CASE("a program that fails by itself is counted, and its last words are shown") {
    CHECK(run_isolated(small_session(60'000), [] {
      const RunResult run = chaos({"--kill-workers", "0", "--for", "2s"}, {"fail"});
      CHECK(run.exit_code == 0);
      CHECK(contains(run.output, "was the last that failed: exit status 7"));
      CHECK(contains(run.output, "| the first of its last words\n"));
      CHECK(contains(run.output, "| there are no more beans\n"));
      CHECK(contains(run.output, "driver: exit status 7"));
    }));
  }

  TEST_CASE("what tests nothing has status 1, and says why") {
    CHECK(run_isolated(small_session(60'000), [] {
      const RunResult strange = chaos({"--for", "1s"}, {"strange"});
      CHECK(strange.exit_code == 1);
      CHECK(contains(strange.errors, "nothing was tested"));
      const RunResult wrong = chaos({"--for", "20s"}, {"no-such-word"});
      CHECK(wrong.exit_code == 1);
      CHECK(contains(wrong.errors, "10 runs in a row ended with exit status 2"));
      CHECK(contains(wrong.errors, "chaos_program work [ROUNDS]"));
      auto options = inside_case();
      options.report = false;
      const RunResult nobody =
          run_program({program("MOBULA_COMMAND"), "chaos", "--for", "5s", "--", "/no/such/program"}, options);
      CHECK(nobody.exit_code == 1);
      CHECK(contains(nobody.errors, "cannot run '/no/such/program'"));
    }));
  }

  TEST_CASE("wrong words on the command line have status 2") {
    CHECK(run_isolated(small_session(), [] {
      for (const std::vector<std::string> &words : std::vector<std::vector<std::string>>{
               {"--for", "soon"}, {"--for", "0s"}, {"--kill-workers", "often", "--for", "1s"}, {}}) {
        CHECK(chaos(words, {"work"}).exit_code == 2);
      }
    }));
  }

  TEST_CASE("Ctrl-C ends it in order, with its report") {
    CHECK(run_isolated(small_session(60'000), [] {
      Child child(chaos_command({"--kill-drivers", "--for", "10m"}, {"work"}));
      ::usleep(1'500'000);
      child.send_signal(SIGINT);
      CHECK(contains(child.read_line(30'000), ", interrupted, seed "));
      std::string line;
      while (line.rfind("Verdict", 0) != 0) line = child.read_line(30'000);
      CHECK(line == "Verdict   clean");
      CHECK(child.wait(10'000).exit_code == 0);
      CHECK(is_empty_folder(case_folder() + "/mobula"));
    }));
  }
}
