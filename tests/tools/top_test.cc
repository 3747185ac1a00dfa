#include "tools/top.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "segment/sites.h"
#include "segment/test_segment.h"

using namespace mobula;
using namespace mobula::tools;

namespace {

constexpr std::int64_t kSecond = base::kNanosecondsPerSecond;

TopLook look(std::int64_t at_ns, std::vector<std::pair<std::uint32_t, std::uint64_t>> tasks_of_generations) {
  TopLook made;
  made.at_ns = at_ns;
  for (const auto &[generation, tasks] : tasks_of_generations) {
    TopProcess process;
    process.facts.client = 1;
    process.facts.generation = generation;
    process.facts.tasks_run = tasks;
    made.processes.push_back(process);
  }
  return made;
}

void put(segment::Segment &segment, std::uint32_t entry, std::uint64_t size, std::uint32_t site) {
  segment::EntryHeader &header = segment.entry(entry);
  header.offset = segment::kInlineOffset;
  header.kind = segment::Kind::kValue;
  header.size = size;
  header.site = site;
  header.state.store(refs::pack(refs::State::kSealed, 1, 1));
}

}  // namespace

TEST_SUITE("tools/top") {
  TEST_CASE("rates are of the time between two looks, and of the same process") {
    CHECK(task_rates(look(1 * kSecond, {{1, 100}}), look(3 * kSecond, {{1, 150}})) == std::vector<double>{25});
    CHECK(task_rates(look(1 * kSecond, {{1, 100}}), look(2 * kSecond, {{2, 30}})) == std::vector<double>{30});
    CHECK(task_rates(look(1 * kSecond, {{1, 100}}), look(2 * kSecond, {{1, 30}})) == std::vector<double>{0});
  }
  TEST_CASE("call sites are added up, the largest first, and damaged numbers are unknown ones") {
    const auto segment = segment::create_segment();
    REQUIRE(segment->reserve_entries(1) == nullptr);
    const std::uint32_t site = intern_site(*segment, {segment::SiteKind::kLine, 8, "a.cc", "f"});
    put(*segment, 1, 100, site);
    put(*segment, 2, 50, site);
    put(*segment, 3, 7000, 4'000'000'000u);
    put(*segment, 4, ~0ull, 0);
    const TopLook look = take_top_look(*segment, base::monotonic_ns());
    REQUIRE(look.sites.size() == 2);
    CHECK(look.sites[0].site == "unknown");
    CHECK(look.sites[0].bytes == 7000 + segment->capacity_bytes());
    CHECK(look.sites[1].site == "a.cc:8 f()");
    CHECK(look.sites[1].objects == 2);
    CHECK(look.sites[1].bytes == 150);
  }
  TEST_CASE("what each process runs is told with since when; a time that cannot be is 0") {
    const auto segment = segment::create_segment();
    REQUIRE(segment->reserve_client(1) == nullptr);
    segment::ClientSlot &slot = segment->client(1);
    slot.pid = 77;
    slot.kind = segment::ClientKind::kWorker;
    slot.task_entry_plus_1.store(1);
    slot.task_site.store(intern_site(*segment, {segment::SiteKind::kTask, 0, "", "work"}));
    segment->header().clients_reserved.store(2);
    const std::int64_t now_ns = base::monotonic_ns();
    slot.task_since_ns.store(static_cast<std::uint64_t>(now_ns - 1500 * base::kNanosecondsPerMillisecond));
    const TopLook look = take_top_look(*segment, now_ns);
    const std::string text = top_text({"s", 10}, look, look);
    CHECK(text.find(" 77  worker        0      0        0        0  1.5 s  work") != std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
    const nlohmann::json json = top_json({"s", 10}, look, look);
    CHECK(json["processes"][0]["runs"]["function"] == "work");
    CHECK(json["tasks_running"] == 1);
    slot.task_since_ns.store(~0ull);
    CHECK(take_top_look(*segment, now_ns).processes.at(0).running_ns == 0);
  }
  TEST_CASE("a frame for a terminal is cut to its size, and removes what was there") {
    CHECK(terminal_frame("abc\ndefgh\nij\n", 4, 2) == "\x1b[Habc\x1b[K\r\ndefg\x1b[K\x1b[J");
    CHECK(terminal_frame("äöü\n", 2, 5) == "\x1b[Häö\x1b[K\x1b[J");
    CHECK(terminal_frame("", 80, 24) == "\x1b[H\x1b[J");
  }
}
