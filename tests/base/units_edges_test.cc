#include <doctest/doctest.h>

#include "base/units.h"

namespace mobula::base {
namespace {

TEST_SUITE("base/units edges") {
  TEST_CASE("a hexadecimal number is no size, nor is one with bytes after its end") {
    CHECK_FALSE(parse_bytes("0x10").has_value());
    CHECK_FALSE(parse_bytes(std::string_view("12\0junk", 7)).has_value());
  }

  TEST_CASE("a size that rounds up to the next unit is written in that unit") {
    CHECK(format_bytes((1ull << 20) - 1) == "1 MiB");
    CHECK(format_bytes((1ull << 30) - 1) == "1 GiB");
  }
}

}  // namespace
}  // namespace mobula::base
