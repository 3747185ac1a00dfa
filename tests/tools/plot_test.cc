#include "tools/plot.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace mobula::tools;

namespace {

std::size_t count(const std::string &text, const std::string &part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

}  // namespace

TEST_SUITE("tools/plot") {
  TEST_CASE("a line for a terminal shows the largest value of each span, and a blank for none") {
    const Curve curve{"", false, {{0, 0}, {1, 1}, {2, 4}, {3, 8}, {4, 8}}};
    CHECK(sparkline(curve, 4, false) == " _=#");
    CHECK(sparkline(curve, 4, true) == " ▁▄█");
    CHECK(sparkline(curve, 0, true) == "");
    CHECK(sparkline({"", false, {}}, 10, true) == "");
    CHECK(sparkline({"", false, {{5, 3}}}, 2, false) == "##");
  }
  TEST_CASE("what lies between two known spans is drawn as the one before") {
    CHECK(sparkline({"", false, {{0, 8}, {10, 4}}}, 5, false) == "####=");
  }
  TEST_CASE("each curve has a panel with its title and its scale, and each mark a line with its text") {
    const std::string svg =
        plot_svg("a < b & c", {{"bytes", true, {{0, 0}, {10, 3000}}}, {"references", false, {{0, 5}, {10, 7}}}},
                 {{2.5, "pid 7 \"killed\""}, {11, "too late"}});
    CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(count(svg, "a &lt; b &amp; c") == 3);
    CHECK(count(svg, "<svg ") == 3);
    CHECK(count(svg, "</svg>") == 3);
    CHECK(count(svg, "<polyline") == 2);
    CHECK(count(svg, ">3 KiB<") == 1);
    CHECK(count(svg, ">10 s<") == 2);
    CHECK(count(svg, "pid 7 &quot;killed&quot;") == 2);
    CHECK(count(svg, "too late") == 0);
  }
  TEST_CASE("curves without points make a plot without lines") {
    CHECK(count(plot_svg("", {{"bytes", true, {}}}, {}), "<polyline") == 0);
  }
  TEST_CASE("whether the terminal knows UTF-8 is what the first word of the environment says that is there") {
    ::setenv("LC_ALL", "", 1);
    ::setenv("LC_CTYPE", "C", 1);
    ::setenv("LANG", "en_US.UTF-8", 1);
    CHECK_FALSE(terminal_knows_utf8());
    ::setenv("LC_ALL", "C.utf8", 1);
    CHECK(terminal_knows_utf8());
  }
}
