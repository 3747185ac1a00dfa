#include "tools/table.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace mobula::tools;

TEST_SUITE("tools/table") {
  TEST_CASE("columns are as wide as their widest cell, and no line ends with a space") {
    Table table({{"PID", Table::Side::kRight}, {"KIND"}, {"HELD", Table::Side::kRight}, {"NOTE"}});
    table.add({"7", "driver", "12", ""});
    table.add({"12345", "w", "3", "x"});
    CHECK(table.text() ==
          "  PID  KIND    HELD  NOTE\n"
          "    7  driver    12\n"
          "12345  w          3  x\n");
  }
  TEST_CASE("a table is indented as a whole") {
    Table table({{"A"}});
    table.add({"b"});
    CHECK(table.text(2) == "  A\n  b\n");
  }
  TEST_CASE("a row with too few cells is refused") {
    Table table({{"A"}, {"B"}});
    CHECK_THROWS_AS(table.add({"only one"}), std::logic_error);
  }
  TEST_CASE("counts have commas between thousands, and one thing is no plural") {
    CHECK(format_count(0) == "0");
    CHECK(format_count(999) == "999");
    CHECK(format_count(1000) == "1,000");
    CHECK(format_count(1234567) == "1,234,567");
    CHECK(format_count(1, "object") == "1 object");
    CHECK(format_count(0, "object") == "0 objects");
  }
  TEST_CASE("ages use the unit that a person would") {
    CHECK(format_age(-5) == "0 ms");
    CHECK(format_age(999) == "999 ms");
    CHECK(format_age(1500) == "1.5 s");
    CHECK(format_age(90'000) == "1.5 min");
    CHECK(format_age(2 * 3600 * 1000) == "2.0 h");
  }
}
