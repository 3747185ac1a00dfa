#include "tasks/resources_text.h"

#include <doctest/doctest.h>

using namespace mobula::tasks;

namespace {

std::string refusal(std::string_view json) {
  std::string why;
  CHECK_FALSE(parse_resources(json, &why));
  return why;
}

}  // namespace

TEST_SUITE("tasks/resources_text") {
  TEST_CASE("an object of numbers is read") {
    std::string why;
    CHECK(*parse_resources(R"( {"gpu_x" : 1, "a b":0.5,"c":2e0} )", &why) ==
          Quantities{{"gpu_x", 10'000}, {"a b", 5'000}, {"c", 20'000}});
    CHECK(parse_resources("", &why)->empty());
    CHECK(parse_resources("{ }", &why)->empty());
  }
  TEST_CASE("anything else is refused with its text") {
    for (const char *bad : {"x", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,}", "{\"a\":1} 2", "{\"a\\n\":1}",
                            "{\"a\":\"1\"}", "{\"a", "[1]"}) {
      CHECK(refusal(bad).find(std::string("'") + bad + "'") == 0);
    }
    CHECK(refusal(R"({"CPU": 1})") == "CPU has an option of its own");
    CHECK(refusal(R"({"GPU": 1})") == "GPU has an option of its own");
    CHECK(refusal(R"({"a": -1})").find("a is -1") != std::string::npos);
    CHECK(refusal(R"({"a": 1, "a": 1})").find("twice") != std::string::npos);
  }
  TEST_CASE("a session has its CPUs, its GPUs and what was named") {
    CHECK(text_of(session_resources(2, 0, {})) == "CPU 2");
    CHECK(text_of(session_resources(2, 3, {{"x", 5'000}})) == "CPU 2, GPU 3, x 0.5");
  }
}
