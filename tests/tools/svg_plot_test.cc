#include "tools/svg_plot.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tools/markup_world.h"
#include "tools/svg_axis.h"

using namespace mobula::tools;

namespace {

SvgPlot two_series() {
  SvgPlot plot;
  plot.label = "Bytes";
  plot.times = {0, 1, 2};
  plot.gap_seconds_max = 3;
  plot.series = {{"low", {1, 1, 1}, 0}, {"high", {1, 3, 1}, 9}};
  return plot;
}

std::vector<std::string> texts_of(const std::vector<SvgTick> &ticks) {
  std::vector<std::string> texts;
  for (const SvgTick &tick : ticks) texts.push_back(tick.text);
  return texts;
}
using Texts = std::vector<std::string>;

// 100 px from 0 to 10 s, from where the bars begin.
SvgTimeline one_row(std::vector<SvgBar> bars) { return {"Tasks", 0, 10, {{"worker 7", std::move(bars), {}}}}; }

}  // namespace

TEST_SUITE("tools/svg_plot") {
  TEST_CASE("areas are stacked: the upper one is drawn first, up to the sum") {
    const std::string svg = plot_areas(two_series());
    CHECK(nesting_problem(svg) == "");
    const std::size_t high = svg.find("<polygon class=\"area rest\"");
    const std::size_t low = svg.find("<polygon class=\"area s0\"");
    REQUIRE(high != std::string::npos);
    REQUIRE(low != std::string::npos);
    CHECK(high < low);
    CHECK(has(svg, "<title>low</title>"));
    // The sums are 2, 4, 2 of 4: half, full, half of the height from 204 to 14.
    CHECK(has(svg, "points=\"76,109 511,14 946,109 946,204 76,204\""));
  }

  TEST_CASE("lines are not stacked, and level points in between are left out") {
    SvgPlot plot = two_series();
    const std::string svg = plot_lines(plot);
    CHECK(nesting_problem(svg) == "");
    CHECK(has(svg, "<polyline class=\"line s0\" points=\"76,140.7 946,140.7\">"));
    CHECK(has(svg, "points=\"76,140.7 511,14 946,140.7\""));
  }

  TEST_CASE("between samples that are far apart the earlier value stays") {
    SvgPlot plot = two_series();
    plot.times = {0, 1, 10};
    plot.series = {{"x", {0, 4, 0}, 0}};
    CHECK(has(plot_lines(plot), "points=\"76,204 163,14 946,14 946,204\""));
  }

  TEST_CASE("one sample makes no plot, and no series an empty one") {
    SvgPlot plot = two_series();
    plot.times = {0};
    CHECK(plot_areas(plot) == "");
    CHECK(plot_lines(plot) == "");
    plot = two_series();
    plot.series.clear();
    CHECK(nesting_problem(plot_areas(plot)) == "");
  }

  TEST_CASE("marks lie within the plot, with their text") {
    SvgPlot plot = two_series();
    plot.marks = {{1, "worker 3: killed by SIGSEGV"}, {5, "too late"}};
    const std::string svg = plot_areas(plot);
    CHECK(has(svg, "<title>worker 3: killed by SIGSEGV</title>"));
    CHECK_FALSE(has(svg, "too late"));
  }

  TEST_CASE("texts are escaped") {
    SvgPlot plot = two_series();
    plot.label = "\"<b>";
    plot.series[0].name = "<script>";
    plot.marks = {{1, "<script>"}};
    for (const std::string &svg : {plot_areas(plot), plot_lines(plot)}) {
      CHECK(nesting_problem(svg) == "");
      CHECK_FALSE(has(svg, "<script"));
      CHECK(count_of(svg, "&lt;script&gt;") == 2);
    }
    SvgTimeline timeline = one_row({{1, 2, "<script>"}});
    timeline.rows[0].name = "<script>";
    timeline.rows[0].ends = {{3, "<script>"}};
    CHECK_FALSE(has(plot_timeline(timeline), "<script"));
  }

  TEST_CASE("numbers that are none, or are huge, still make a plot") {
    SvgPlot plot = two_series();
    for (const double value : {static_cast<double>(NAN), static_cast<double>(INFINITY), 1e300, -5.0}) {
      plot.series[0].values[1] = value;
      const std::string svg = plot_areas(plot);
      CHECK(nesting_problem(svg) == "");
      CHECK_FALSE(has(svg, "nan"));
      CHECK_FALSE(has(svg, "inf"));
    }
  }

  TEST_CASE("values along the side are round, up to one at or above the largest") {
    CHECK(texts_of(value_ticks(9, SvgPlot::Unit::kCount)) == Texts{"0", "2", "4", "6", "8", "10"});
    CHECK(texts_of(value_ticks(0, SvgPlot::Unit::kCount)) == Texts{"0", "1"});
    CHECK(texts_of(value_ticks(21000, SvgPlot::Unit::kCount)) ==
          Texts{"0", "5,000", "10,000", "15,000", "20,000", "25,000"});
    CHECK(texts_of(value_ticks(3 << 20, SvgPlot::Unit::kBytes)) == Texts{"0", "1 MiB", "2 MiB", "3 MiB"});
  }

  TEST_CASE("times along the axis are round, whatever the span") {
    CHECK(texts_of(time_ticks(0, 4)) == Texts{"0 s", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s", "3 s", "3.5 s", "4 s"});
    CHECK(texts_of(time_ticks(65, 280)) == Texts{"1:30", "2:00", "2:30", "3:00", "3:30", "4:00", "4:30"});
    CHECK(texts_of(time_ticks(3600, 2 * 3600)) ==
          Texts{"1:00:00", "1:10:00", "1:20:00", "1:30:00", "1:40:00", "1:50:00", "2:00:00"});
    CHECK(time_ticks(0, 1e9).size() < 10);
    CHECK(time_ticks(5, 5).size() == 1);
  }

  TEST_CASE("durations are short") {
    CHECK(format_duration(0.00082) == "820 us");
    CHECK(format_duration(0.015) == "15 ms");
    CHECK(format_duration(2.5) == "2.5 s");
    CHECK(format_duration(180) == "3 min");
    CHECK(format_duration(9000) == "2.5 h");
  }
}

TEST_SUITE("tools/svg_timeline") {
  TEST_CASE("a bar tells what it is, a failed and a running one by their look") {
    SvgTimeline timeline = one_row({{1, 2, "resize: 1 s", 3}, {4, 6, "crash: 2 s, threw", 99, false, true}});
    timeline.rows[0].bars.push_back({8, 10, "nap", 1, false, false, true});
    timeline.rows[0].ends = {{6, "killed by SIGSEGV"}};
    const std::string svg = plot_timeline(timeline);
    CHECK(nesting_problem(svg) == "");
    CHECK(has(svg, ">worker 7</text>"));
    CHECK(has(svg,
              "<rect class=\"bar s3\" x=\"265.6\" y=\"18\" width=\"75.6\" height=\"14\"><title>resize: 1 s</title>"));
    CHECK(has(svg, "class=\"bar rest failed\""));
    CHECK(has(svg, "class=\"bar s1 running\""));
    CHECK(has(svg, "<title>killed by SIGSEGV</title>"));
  }

  TEST_CASE("bars too narrow to be seen are drawn as one that counts them") {
    std::vector<SvgBar> bars;
    for (int i = 0; i < 256; ++i) bars.push_back({5 + i * 0.0001, 5 + i * 0.0001 + 0.00005, "add: 50 us", 0});
    const std::string svg = plot_timeline(one_row(bars));
    CHECK(count_of(svg, "<rect") < 8);
    CHECK(has(svg, "in a row"));
    bars[1].has_failed = true;
    CHECK(has(plot_timeline(one_row(bars)), "; 1 failed"));
  }

  TEST_CASE("bars of other functions, and wide ones, stay apart") {
    CHECK(count_of(plot_timeline(one_row({{1, 1.001, "a", 0}, {1.002, 1.003, "b", 1}})), "<rect") == 2);
    CHECK(count_of(plot_timeline(one_row({{1, 2, "a", 0}, {2, 3, "a", 0}})), "<rect") == 2);
  }

  TEST_CASE("waits lie over the tasks that they are a part of") {
    const std::string svg = plot_timeline(one_row({{1, 4, "outer", 0}, {2, 3, "waited", 9, true}}));
    CHECK(svg.find("class=\"bar s0\"") < svg.find("class=\"wait\""));
  }

  TEST_CASE("what lies outside of the time is left out, and no rows make no drawing") {
    CHECK(count_of(plot_timeline(one_row({{11, 12, "late", 0}})), "<rect") == 0);
    CHECK(plot_timeline({}) == "");
  }
}
