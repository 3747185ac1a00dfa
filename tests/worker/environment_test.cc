#include "worker/environment.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

using mobula::worker::Environment;

namespace {

std::string variable(const char *name) {
  const char *const value = std::getenv(name);
  return value == nullptr ? "(none)" : value;
}

struct Fixture {
  Fixture() {
    setenv("MOBULA_TEST_OLD", "old", 1);
    unsetenv("MOBULA_TEST_NEW");
    unsetenv("CUDA_VISIBLE_DEVICES");
  }
  const std::filesystem::path here = std::filesystem::current_path();
  Environment environment;
};

}  // namespace

TEST_SUITE("worker/environment") {
  TEST_CASE_FIXTURE(Fixture, "variables and the folder are as asked for, then as before") {
    const std::string wanted =
        R"({"env_vars": {"MOBULA_TEST_OLD": "other", "MOBULA_TEST_NEW": "a b"}, "working_dir": "/"})";
    REQUIRE(environment.enter(wanted, 0b101) == nullptr);
    CHECK(variable("MOBULA_TEST_OLD") == "other");
    CHECK(variable("MOBULA_TEST_NEW") == "a b");
    CHECK(variable("CUDA_VISIBLE_DEVICES") == "0,2");
    CHECK(std::filesystem::current_path() == "/");
    environment.leave();
    CHECK(variable("MOBULA_TEST_OLD") == "old");
    CHECK(variable("MOBULA_TEST_NEW") == "(none)");
    CHECK(variable("CUDA_VISIBLE_DEVICES") == "(none)");
    CHECK(std::filesystem::current_path() == here);
  }

  TEST_CASE_FIXTURE(Fixture, "the user's own word on a device counts, and what was before comes back") {
    setenv("CUDA_VISIBLE_DEVICES", "7", 1);
    REQUIRE(environment.enter(R"({"env_vars": {"CUDA_VISIBLE_DEVICES": "5"}})", 1) == nullptr);
    CHECK(variable("CUDA_VISIBLE_DEVICES") == "5");
    environment.leave();
    CHECK(variable("CUDA_VISIBLE_DEVICES") == "7");
  }

  TEST_CASE_FIXTURE(Fixture, "nothing asked for changes nothing; what is kept stays") {
    REQUIRE(environment.enter("", 0) == nullptr);
    CHECK(variable("CUDA_VISIBLE_DEVICES") == "(none)");
    environment.leave();
    REQUIRE(environment.enter(R"({"env_vars": {"MOBULA_TEST_NEW": "1"}})", 0) == nullptr);
    environment.keep();
    environment.leave();
    CHECK(variable("MOBULA_TEST_NEW") == "1");
  }

  TEST_CASE_FIXTURE(Fixture, "what cannot be set up says why and leaves everything as it was") {
    for (const char *bad :
         {"x", "[]", R"({"pip": ["x"]})", R"({"env_vars": {"A": 1}})", R"({"env_vars": {"A=B": "1"}})",
          R"({"env_vars": {"MOBULA_TEST_NEW": "1"}, "working_dir": "/no/such/folder"})"}) {
      const mobula::Status status = environment.enter(bad, 1);
      REQUIRE(status != nullptr);
      CHECK(status->code == mobula::Code::kInvalidArgument);
      CHECK(variable("MOBULA_TEST_NEW") == "(none)");
      CHECK(variable("CUDA_VISIBLE_DEVICES") == "(none)");
      CHECK(std::filesystem::current_path() == here);
    }
    CHECK(environment.enter(R"({"working_dir": "/no/such/folder"})", 0)->message.find("No such file") !=
          std::string::npos);
    CHECK(environment.enter(R"({"pip": []})", 0)->message.find("field pip") != std::string::npos);
  }
}
