#include "tools/markup.h"

#include <doctest/doctest.h>

#include <cmath>

using mobula::tools::coordinate;
using mobula::tools::escape_markup;

TEST_SUITE("tools/markup") {
  TEST_CASE("what has a meaning in markup loses it") {
    CHECK(escape_markup("<script>") == "&lt;script&gt;");
    CHECK(escape_markup("a & b \"c\" 'd'") == "a &amp; b &quot;c&quot; &#39;d&#39;");
    CHECK(escape_markup("") == "");
    CHECK(escape_markup("&lt;") == "&amp;lt;");
  }
  TEST_CASE("characters of any language stay") {
    CHECK(escape_markup("Gr\xc3\xb6\xc3\x9f"
                        "e \xe6\x97\xa5 \xf0\x9f\x90\xb3") ==
          "Gr\xc3\xb6\xc3\x9f"
          "e \xe6\x97\xa5 \xf0\x9f\x90\xb3");
    CHECK(escape_markup("two\nlines\tand a tab") == "two\nlines\tand a tab");
  }
  TEST_CASE("what is no character is replaced, byte by byte") {
    const std::string replaced = "\xef\xbf\xbd";
    CHECK(escape_markup(std::string("a\0b", 3)) == "a" + replaced + "b");
    CHECK(escape_markup("\x1b[0m") == replaced + "[0m");
    CHECK(escape_markup("\xff") == replaced);
    CHECK(escape_markup("\xc3") == replaced);                 // cut off
    CHECK(escape_markup("\xc0\xbc") == replaced + replaced);  // '<' in two bytes
    CHECK(escape_markup("\xe0\x80\xbc") == replaced + replaced + replaced);
    CHECK(escape_markup("\xed\xa0\x80") == replaced + replaced + replaced);  // half of a pair
    CHECK(escape_markup("\xef\xbf\xbf") == replaced + replaced + replaced);
    CHECK(escape_markup("\xf4\x90\x80\x80") == replaced + replaced + replaced + replaced);
    CHECK(escape_markup("\xc3<") == replaced + "&lt;");
  }
  TEST_CASE("coordinates have one digit behind the point, or none") {
    CHECK(coordinate(12.34) == "12.3");
    CHECK(coordinate(12) == "12");
    CHECK(coordinate(-0.01) == "0");
    CHECK(coordinate(NAN) == "0");
    CHECK(coordinate(INFINITY) == "0");
  }
}
