#include "tools/start.h"

#include <doctest/doctest.h>

#include <filesystem>

using namespace mobula::tools;

TEST_SUITE("tools/start") {
  TEST_CASE("what was not asked for is left to the raylet") {
    CHECK(raylet_command("r", {.session = "s",
                               .workers = {},
                               .memory = "",
                               .libraries = {},
                               .gpus = {},
                               .resources = "",
                               .metrics_port = {},
                               .log_records = {}}) == std::vector<std::string>{"r", "--session", "s"});
  }
  TEST_CASE("everything asked for is passed on, and libraries by their absolute paths") {
    const std::string here = std::filesystem::current_path().string();
    CHECK(raylet_command("r", {.session = "s",
                               .workers = 4,
                               .memory = "64MiB",
                               .libraries = {"/l/a.so", "x/../b.so"},
                               .gpus = 2,
                               .resources = "{\"x\": 1}",
                               .metrics_port = 0,
                               .log_records = 1000}) ==
          std::vector<std::string>{"r", "--session", "s", "--workers", "4", "--memory", "64MiB", "--num-gpus", "2",
                                   "--resources", "{\"x\": 1}", "--metrics-port", "0", "--ref-log", "1000", "--library",
                                   "/l/a.so", "--library", here + "/b.so"});
  }
}
