// What is made of a report: series, page and JSON.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tools/markup_world.h"
#include "tools/report_html.h"
#include "tools/report_json.h"
#include "tools/report_leaks.h"
#include "tools/report_series.h"

using namespace mobula::tools;
using mobula::objects::SampleRecord;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

Report small_report(const std::string &name = "make_batch") {
  Report report;
  report.session = "demo";
  report.maker = "mobula 1.2.3";
  report.made_at = "2026-01-31 12:00:10 UTC";
  report.began_at = "2026-01-31 12:00:00 UTC";
  report.age_seconds = 10;
  report.raylet_pid = 100;
  report.raylet_command = "mobula-raylet --session " + name;
  report.capacity_bytes = 64 * kMiB;
  report.deaths = 1;
  report.evictions = 1;
  report.ledgers = "4 ledgers agree: 3 objects";
  report.samples = {{0, 0, 0, 0, 0, 0, 0, 0}, {10, 32 * kMiB, 3, 4, 5, 1, 2, 1}};
  report.sites = {{name, "/src/" + name, {0, 24 * kMiB}, {0, 2}, false},
                  {"everything else", "", {0, 8 * kMiB}, {0, 1}, true}};
  report.holders = {{"driver 101", name, {0, 32 * kMiB}, {0, 3}, false}};
  report.processes = {{101, "driver", name, 0, "", 0, 3, 32 * kMiB}, {102, "worker", name, 7, name, 8, 0, 0}};
  report.activities = {{102, 1, 2, name, false, "done"},
                       {102, 3, 4, name, false, "threw"},
                       {102, 5, 6, name, true, "done"},
                       {103, 1, 3, name, false, "done"},
                       {102, 8, 10, name, false, "running"}};
  report.death_list = {{3, 103, "worker", "killed by SIGSEGV", name, true}};
  report.eviction_list = {{4, name, kMiB, "named"}};
  report.leak_age = "60 s";
  report.leaks = {{name, "/src/" + name, "worker 102", name, name, name, 2, 3 * kMiB, 70'000}};
  report.holdings = {{name, "/src/" + name, 2, 24 * kMiB, 9000, {"driver 101", name}, 3}};
  return report;
}

SampleRecord sample(std::int64_t at_ns, std::uint64_t used_bytes, std::vector<mobula::objects::ShareRecord> sites) {
  SampleRecord record;
  record.at_ns = at_ns;
  record.used_bytes = used_bytes;
  record.sites = std::move(sites);
  return record;
}

ShareName by_number(const SampleRecord &, std::uint32_t id) { return {id, "site " + std::to_string(id), ""}; }

}  // namespace

TEST_SUITE("tools/report_html") {
  TEST_CASE("the page is well-formed, and tells all parts") {
    const std::string page = report_html(small_report());
    CHECK(nesting_problem(page) == "");
    CHECK(page.starts_with("<!DOCTYPE html>"));
    for (const char *text :
         {"Session demo", "32 MiB", "50.0 % of 64 MiB", "4 ledgers agree", "make_batch", "driver 101",
          "killed by SIGSEGV", "named", "mobula 1.2.3", "driver 101, make_batch and 3 more"})
      CHECK_MESSAGE(has(page, text), text);
    CHECK(count_of(page, "<svg") == 5);
  }

  TEST_CASE("the page asks for nothing else and runs nothing") {
    const std::string page = report_html(small_report());
    for (const char *text : {"<script", "src=", "url(", "@import", "onload", "href=\"http"})
      CHECK_FALSE_MESSAGE(has(page, text), text);
    CHECK(count_of(page, "http") == count_of(page, "http://www.w3.org/2000/svg"));
  }

  TEST_CASE("whatever a program calls its functions, it stays a text") {
    for (const char *name : {"<script>alert(1)</script>", "\" onload=\"x", "</style></svg><img src=x>", "a\x01\xff"}) {
      const std::string page = report_html(small_report(name));
      CHECK(nesting_problem(page) == "");
      CHECK_FALSE(has(page, "<script"));
      CHECK_FALSE(has(page, "<img"));
      CHECK_FALSE(has(page, "\" onload"));
    }
  }

  TEST_CASE("the same report makes the same bytes") {
    CHECK(report_html(small_report()) == report_html(small_report()));
  }

  TEST_CASE("a session that has just begun has a page, too") {
    Report report;
    report.session = "new";
    report.samples.resize(1);
    const std::string page = report_html(report);
    CHECK(nesting_problem(page) == "");
    CHECK(count_of(page, "<svg") == 0);
    CHECK(has(page, "Nothing is in the store."));
    CHECK(has(page, "No process has ended."));
  }

  TEST_CASE("ledgers that differ are told with each problem") {
    Report report = small_report();
    report.ledgers_agree = false;
    report.ledgers = "1 mismatch in 1 of 4 ledgers\n  entries: <x>";
    const std::string page = report_html(report);
    CHECK(has(page, "lines bad"));
    CHECK(has(page, "entries: &lt;x&gt;"));
  }

  TEST_CASE("long lists are cut, and say so") {
    Report report = small_report();
    report.death_list.assign(1000, report.death_list[0]);
    report.deaths = 5000;
    for (std::uint32_t pid = 1000; pid < 1100; ++pid) report.activities.push_back({pid, 1, 2, "x", false, "done"});
    const std::string page = report_html(report);
    CHECK(has(page, "The newest 200 of 5,000."));
    CHECK(has(page, "; 42 that did nothing lately are left out"));
  }
}

TEST_SUITE("tools/report_json") {
  TEST_CASE("all that the page shows is there") {
    const nlohmann::json json = report_json(small_report());
    CHECK(json["raylet"]["pid"] == 100);
    CHECK(json["ledgers"]["agree"] == true);
    CHECK(json["samples"][1]["references"] == 4);
    CHECK(json["sites"][0]["bytes"] == std::vector<std::uint64_t>{0, 24 * kMiB});
    CHECK(json["holders"][0]["name"] == "driver 101");
    CHECK(json["processes"][0]["runs"].is_null());
    CHECK(json["processes"][1]["runs"] == "make_batch");
    CHECK(json["activities"].size() == 5);
    CHECK(json["deaths"][0]["how"] == "killed by SIGSEGV");
    CHECK(json["evictions"][0]["why"] == "named");
    CHECK(json["holdings"][0]["holders_left_out"] == 3);
    CHECK(json["leaks"][0]["keeper"] == "worker 102");
  }
}

TEST_SUITE("tools/report_leaks") {
  TEST_CASE("leaks of one line, keeper and reason are one") {
    nlohmann::json one = {{"size_bytes", 10},
                          {"created_at", {{"text", "/src/a.cc:1 f()"}}},
                          {"pid", 7},
                          {"process", "worker"},
                          {"site", "argument 1 of g"},
                          {"kept_by", "handle"},
                          {"idle_ms", 5},
                          {"why", "w"},
                          {"to_free", "t"}};
    nlohmann::json other = one;
    other["idle_ms"] = 9;
    nlohmann::json third = one;
    third["pid"] = 8;
    third["size_bytes"] = 100;
    const std::vector<ReportLeak> leaks = group_leaks({one, other, third});
    REQUIRE(leaks.size() == 2);
    CHECK(leaks[0].keeper == "worker 8");
    CHECK(leaks[1].site == "a.cc:1 f()");
    CHECK(leaks[1].detail == "/src/a.cc:1 f()");
    CHECK(leaks[1].taken_at == "argument 1 of g");
    CHECK(leaks[1].objects == 2);
    CHECK(leaks[1].bytes == 20);
    CHECK(leaks[1].idle_ms == 9);
  }

  TEST_CASE("what is unknown or missing is left empty") {
    const std::vector<ReportLeak> leaks =
        group_leaks({{{"created_at", nullptr}, {"pid", nullptr}, {"process", "session"}}});
    REQUIRE(leaks.size() == 1);
    CHECK(leaks[0].site == "");
    CHECK(leaks[0].keeper == "session");
    CHECK(group_leaks(nlohmann::json()).empty());
  }
}

TEST_SUITE("tools/report_series") {
  TEST_CASE("shares keep their place over time, the largest peak first, and the rest adds up to what is used") {
    const std::vector<SampleRecord> samples{sample(0, 100, {{7, 1, 60}, {5, 1, 30}}), sample(1, 80, {{5, 2, 80}})};
    const std::vector<ReportShare> shares = largest_shares(samples, &SampleRecord::sites, by_number, "rest");
    REQUIRE(shares.size() == 3);
    CHECK(shares[0].name == "site 5");
    CHECK(shares[0].bytes == std::vector<std::uint64_t>{30, 80});
    CHECK(shares[0].objects == std::vector<std::uint64_t>{1, 2});
    CHECK(shares[1].bytes == std::vector<std::uint64_t>{60, 0});
    CHECK(shares[2].is_rest);
    CHECK(shares[2].bytes == std::vector<std::uint64_t>{10, 0});
  }

  TEST_CASE("eight are told apart, all others are the rest; unknown ones, too") {
    std::vector<mobula::objects::ShareRecord> sites;
    for (std::uint32_t id = 1; id <= 8; ++id) sites.push_back({id, 1, 10 * id});
    const std::vector<SampleRecord> samples{sample(0, 360, sites), sample(1, 500, {{9, 1, 400}, {4242, 1, 100}})};
    const auto name = [](const SampleRecord &, std::uint32_t id) {
      return id == 4242 ? ShareName{} : ShareName{id, std::to_string(id), ""};
    };
    const std::vector<ReportShare> shares = largest_shares(samples, &SampleRecord::sites, name, "rest");
    REQUIRE(shares.size() == kColors + 1);
    CHECK(shares[0].name == "9");
    CHECK(shares[kColors].bytes == std::vector<std::uint64_t>{10, 100});
  }

  TEST_CASE("numbers that do not add up make no rest below nothing") {
    const std::vector<ReportShare> shares =
        largest_shares({sample(0, 10, {{1, 1, 99}})}, &SampleRecord::sites, by_number, "rest");
    REQUIRE(shares.size() == 1);
    CHECK(largest_shares({}, &SampleRecord::sites, by_number, "rest").empty());
  }
}
