#include "tools/listing.h"

#include <doctest/doctest.h>

#include <sstream>

using namespace mobula;
using namespace mobula::tools;

namespace {

const std::vector<std::string> kNames = {"add", "multiply", ""};

Listing three() {
  return {"task",
          3,
          {{"name", "NAME", Table::Side::kLeft, false, [](std::size_t row) { return kNames[row]; }, {}},
           {"age_ms", "AGE", Table::Side::kRight, true, [](std::size_t row) { return std::to_string(row * 1000); },
            [](std::size_t row) { return format_age(static_cast<std::int64_t>(row) * 1000); }}}};
}

std::string filtered(const std::vector<std::string> &filters) {
  Listing listing = three();
  REQUIRE(listing.filter(filters) == nullptr);
  return listing.text(100);
}

}  // namespace

TEST_SUITE("tools/listing") {
  TEST_CASE("rows are counted and shown to people as they read them") {
    CHECK(three().text(100) ==
          "3 tasks\n"
          "NAME        AGE\n"
          "add        0 ms\n"
          "multiply  1.0 s\n"
          "-         2.0 s\n");
    CHECK(three().text(0) == "3 tasks\n");
    CHECK(three().text(1).ends_with("... and 2 more (--limit N shows more, --json all)\n"));
  }
  TEST_CASE("JSON has the numbers, and null for what is unknown") {
    std::ostringstream output;
    three().json("demo", output);
    CHECK(output.str() ==
          "{\"session\": \"demo\",\n\"tasks\": [\n{\"name\": \"add\", \"age_ms\": 0},\n"
          "{\"name\": \"multiply\", \"age_ms\": 1000},\n{\"name\": null, \"age_ms\": 2000}]}\n");
  }
  TEST_CASE("filters keep what is equal, differs or contains") {
    CHECK(filtered({"age_ms=1000"}).starts_with("1 task\n"));
    CHECK(filtered({"age_ms!=1000"}).starts_with("2 tasks\n"));
    CHECK(filtered({"name~ti"}).find("multiply") != std::string::npos);
    CHECK(filtered({"name~d", "age_ms=2000"}) == "0 tasks\n");
    CHECK(filtered({"name="}).starts_with("1 task\n"));
  }
  TEST_CASE("a filter that is none is refused with the keys that there are") {
    for (const char *text : {"name", "nonsense=1", "name!x", "=1", ""}) {
      Listing listing = three();
      const Status status = listing.filter({text});
      REQUIRE(status != nullptr);
      CHECK(status->message.find("with one of name, age_ms") != std::string::npos);
    }
  }
}
