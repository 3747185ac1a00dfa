#include "metrics/families.h"

#include <doctest/doctest.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

namespace mobula::metrics {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

Scrape scrape() { return {"demo", 100 * kSecondNs, 5'000 * kSecondNs}; }

SessionFigures figures() {
  SessionFigures figures;
  figures.store.capacity_bytes = 1u << 30;
  figures.store.used_bytes = 12'345'678;
  figures.store.evictions = 3;
  figures.oldest_reference_ns = 40 * kSecondNs;
  figures.started_ns = 10 * kSecondNs;
  figures.workers_idle = 2;
  figures.workers_running = 1;
  figures.deaths = 5;
  figures.recent_deaths[static_cast<std::size_t>(segment::DeathCause::kNotNeeded)] = 4;
  return figures;
}

bool has_line(const std::string &text, const std::string &line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_SUITE("metrics/families") {
  TEST_CASE("figures become lines with their session, in base units") {
    const std::string text = text_of(figures(), scrape());
    CHECK(has_line(text, "# TYPE mobula_store_capacity_bytes gauge"));
    CHECK(has_line(text, "mobula_store_capacity_bytes{session=\"demo\"} 1073741824"));
    CHECK(has_line(text, "mobula_store_used_bytes{session=\"demo\"} 12345678"));
    CHECK(has_line(text, "# TYPE mobula_store_evictions_total counter"));
    CHECK(has_line(text, "mobula_store_evictions_total{session=\"demo\"} 3"));
    CHECK(has_line(text, "mobula_oldest_reference_age_seconds{session=\"demo\"} 60"));
    CHECK(has_line(text, "mobula_start_time_seconds{session=\"demo\"} 4910"));
    CHECK(has_line(text, "mobula_clients{session=\"demo\",kind=\"worker\"} 3"));
    CHECK(has_line(text, "mobula_workers{session=\"demo\",state=\"idle\"} 2"));
    CHECK(has_line(text, "mobula_recent_deaths{session=\"demo\",cause=\"not_needed\"} 4"));
  }

  TEST_CASE("names have one prefix and the endings that go with their types") {
    SessionFigures all = figures();
    all.raylet = RayletFigures{1, 2};
    all.log_places = 8;
    std::set<std::string> names;
    for (const prometheus::MetricFamily &family : families_of(all, scrape())) {
      CHECK(names.insert(family.name).second);
      CHECK(family.name.starts_with("mobula_"));
      CHECK(family.name.ends_with("_total") == (family.type == prometheus::MetricType::Counter));
      CHECK_FALSE(family.help.empty());
      CHECK_FALSE(family.metric.empty());
    }
    CHECK(names.count("mobula_tasks_finished_total") == 1);
    CHECK(names.count("mobula_reference_log_events_total") == 1);
  }

  TEST_CASE("each of them is explained on the page about metrics") {
    SessionFigures all = figures();
    all.raylet = RayletFigures{1, 2};
    all.log_places = 8;
    std::stringstream page;
    page << std::ifstream(std::string(std::getenv("MOBULA_SOURCE_DIR")) + "/docs/metrics.md").rdbuf();
    for (const prometheus::MetricFamily &family : families_of(all, scrape())) {
      const std::string name = "`" + family.name.substr(std::string("mobula_").size());
      const bool is_there =
          page.str().find(name + "`") != std::string::npos ||
          page.str().find(name + "{" + family.metric[0].label.back().name + "}`") != std::string::npos;
      CHECK_MESSAGE(is_there, family.name);
    }
  }

  TEST_CASE("what is not known, or not kept, has no line") {
    const std::string text = text_of(figures(), scrape());
    CHECK(text.find("mobula_tasks_finished_total") == std::string::npos);
    CHECK(text.find("mobula_reference_log_") == std::string::npos);
  }

  TEST_CASE("how many lines there are does not depend on what the session holds") {
    SessionFigures full = figures();
    full.store.objects = full.references = full.store.handles = 1'000'000;
    full.store.processes.resize(4'000);
    const auto lines = [](const std::string &text) { return std::count(text.begin(), text.end(), '\n'); };
    CHECK(lines(text_of(full, scrape())) == lines(text_of({}, scrape())));
    CHECK(lines(text_of(full, scrape())) < 200);
  }

  TEST_CASE("times that a clock or a damaged word makes impossible are 0, not negative") {
    SessionFigures wrong = figures();
    wrong.oldest_reference_ns = 1'000 * kSecondNs;
    CHECK(has_line(text_of(wrong, scrape()), "mobula_oldest_reference_age_seconds{session=\"demo\"} 0"));
  }
}

}  // namespace mobula::metrics
