#include "tools/chaos_report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace mobula;
using namespace mobula::tools;

namespace {

ChaosOptions options() {
  ChaosOptions made;
  made.program = {"./train", "5"};
  return made;
}

ChaosResult clean() {
  ChaosResult result;
  result.session = "s";
  result.seed = 7;
  result.seconds = 30;
  result.drivers = 3;
  result.tasks = 1234;
  result.runs.started = 3;
  result.runs.ended_well = 3;
  result.strikes[0] = 12;
  result.deaths["worker: killed by SIGKILL"] = 12;
  result.points = {{0, 0, 0, 0}, {1, 2048, 2, 3}, {2, 0, 0, 0}};
  result.peak = {1, 2048, 2, 3};
  return result;
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("tools/chaos_report") {
  TEST_CASE("a clean run is clean, and says what was done to it") {
    const std::string text = chaos_text(options(), clean(), false);
    CHECK(verdict_of(clean()) == Verdict::kClean);
    CHECK(has(text, "Chaos     session s, 30.0 s, seed 7\n"));
    CHECK(has(text, "Program   ./train 5\n          3 runs: 3 ended well, 0 killed here"));
    CHECK(has(text, "12 workers killed"));
    CHECK(has(text, "    12  worker: killed by SIGKILL\n"));
    CHECK(has(text, "1,234 tasks in 3 drivers; at most 2 KiB (after 1.0 s), 2 objects, 3 references"));
    CHECK(has(text, "4 ledgers agree"));
    CHECK(has(text, "Left      nothing\nVerdict   clean\n"));
  }
  TEST_CASE("what is left is told in full, and is not clean") {
    ChaosResult result = clean();
    result.left.objects = 1;
    result.left.bytes = 3 * 1024;
    result.left.text = "LEAK 1\n";
    result.left.json = "{\"leaks\": [{\"id\": \"0102\"}]}";
    CHECK(verdict_of(result) == Verdict::kLeft);
    CHECK(has(chaos_text(options(), result, false),
              "Left      1 object, 3 KiB, that no program is there for any more\nLEAK 1\n"));
    const nlohmann::json left = chaos_json(options(), result)["left"];
    CHECK(left["objects"] == 1);
    CHECK(left["leaks"]["leaks"][0]["id"] == "0102");
  }
  TEST_CASE("what was to be kept is told, and is clean") {
    ChaosResult result = clean();
    result.left.asked_objects = 2;
    CHECK(verdict_of(result) == Verdict::kClean);
    CHECK(has(chaos_text(options(), result, false), "Kept      2 objects"));
  }
  TEST_CASE("ledgers that differ are not clean, though nothing is left") {
    ChaosResult result = clean();
    result.audit.problems.push_back({objects::Ledger::kHandles, "a mismatch", 0});
    CHECK(verdict_of(result) == Verdict::kLeft);
    CHECK(has(chaos_text(options(), result, false), "a mismatch"));
  }
  TEST_CASE("a run that joined no session has tested nothing") {
    ChaosResult result = clean();
    result.drivers = 0;
    CHECK(verdict_of(result) == Verdict::kNothingTested);
    CHECK(has(nothing_tested_text(options(), result), "none of 3 runs of './train 5' joined session s"));
  }
  TEST_CASE("the last words of a run that failed by itself are shown, whatever bytes they are") {
    ChaosResult result = clean();
    result.runs.failed = 1;
    result.last_failure = {2, "exit status 7", "no \x1b[31mbeans\nat \xff all"};
    const std::string text = chaos_text(options(), result, false);
    CHECK(has(text, "run 2 was the last that failed: exit status 7. Its last lines:\n"));
    CHECK(has(text, "          | no ?[31mbeans\n          | at "));
    const std::string json =
        chaos_json(options(), result).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
    CHECK(nlohmann::json::parse(json)["runs"]["last_failure"]["how"] == "exit status 7");
  }
  TEST_CASE("the plot has a panel each for bytes, references and objects, and the deaths") {
    ChaosResult result = clean();
    result.death_times = {{0.5, "pid 9 worker: killed by SIGKILL"}};
    const std::string svg = chaos_svg(options(), result);
    CHECK(has(svg, ">Bytes in use<"));
    CHECK(has(svg, ">References<"));
    CHECK(has(svg, "<title>pid 9 worker: killed by SIGKILL</title>"));
  }
}
