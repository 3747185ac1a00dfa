#include <doctest/doctest.h>

#include "tools/command_logs.h"

namespace mobula::tools {

TEST_SUITE("tools/logs") {
  TEST_CASE("the last lines of a text, at most so many") {
    const std::string text = "one\ntwo\n\nfour";
    CHECK(last_lines(text, 2) == std::vector<std::string>{"", "four"});
    CHECK(last_lines(text, 100) == std::vector<std::string>{"one", "two", "", "four"});
    CHECK(last_lines(text, 0).empty());
    CHECK(last_lines("", 5).empty());
  }
}

}  // namespace mobula::tools
