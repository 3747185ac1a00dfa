#include "tools/trace.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "refs/object_id.h"
#include "segment/sites.h"
#include "segment/test_segment.h"
#include "tools/object_digits.h"

using namespace mobula;
using namespace mobula::tools;
using segment::Event;

namespace {

constexpr std::uint32_t kRaylet = 10;
constexpr std::uint32_t kGone = 4'000'001;  // above the largest pid there can be

// A log of 8 places, and a driver that is this process.
struct World {
  World() {
    std::string notice;
    REQUIRE(segment::Segment::create(segment::kTestCapacityBytes, &segment, &notice, 8) == nullptr);
    REQUIRE(segment->reserve_client(1) == nullptr);
    segment->client(1).pid = static_cast<std::uint32_t>(::getpid());
    segment->client(1).kind = segment::ClientKind::kDriver;
    segment->header().clients_reserved.store(2);
    site = intern_site(*segment, {segment::SiteKind::kLine, 88, "train.cpp", "make_batch"});
  }
  void add(std::uint32_t pid, Event event, refs::ObjectName name, std::uint32_t at_site = 0, std::uint64_t bytes = 0,
           std::uint32_t holder = 0) {
    refs::EventLog(*segment, pid).add(event, name, at_site, bytes, holder);
  }
  Trace read(const TraceChoice &choice = {}, std::uint64_t after = 0) const {
    return read_trace(*segment, kRaylet, choice, after);
  }

  std::unique_ptr<segment::Segment> segment;
  std::uint32_t site = 0;
};

const refs::ObjectName kFirst{5, 7};
const refs::ObjectName kSecond{6, 1};

}  // namespace

TEST_SUITE("tools/trace") {
  TEST_CASE("an object's life is told: when, who, what, where") {
    World world;
    const auto own = static_cast<std::uint32_t>(::getpid());
    world.add(own, Event::kCreate, kFirst, world.site, 2048);
    world.add(kGone, Event::kTake, kFirst);
    world.add(own, Event::kCreate, kSecond);
    world.add(kRaylet, Event::kReap, kFirst, 0, 0, kGone);
    const Trace trace = world.read({kFirst, {}, {}});
    REQUIRE(trace.lines.size() == 3);
    CHECK(trace.lines[0].event == "created");
    CHECK(trace.lines[0].process.starts_with("driver: "));
    CHECK(trace.lines[0].site == "train.cpp:88 make_batch()");
    CHECK(trace.lines[0].bytes == 2048);
    CHECK(trace.lines[0].seconds <= trace.lines[1].seconds);
    CHECK(trace.lines[0].object == digits_of(refs::encode_id(world.segment->header().epoch, kFirst)));
    CHECK(trace.lines[1].process == "ended");
    CHECK(trace.lines[2].process == "raylet");
    CHECK(trace.lines[2].holder == kGone);
    CHECK(trace_line(trace.lines[2], false).find("reaped from 4000001") != std::string::npos);
    CHECK(trace_head(trace, {kFirst, {}, {}}).find(": 3 events\n") != std::string::npos);
  }
  TEST_CASE("one process's events are its own and those for its death; of these the newest so many") {
    World world;
    world.add(21, Event::kCreate, kFirst);
    world.add(22, Event::kTake, kFirst);
    world.add(21, Event::kRelease, kFirst);
    world.add(kRaylet, Event::kReap, kFirst, 0, 0, 22);
    CHECK(world.read({{}, 22, {}}).lines.size() == 2);
    const Trace last = world.read({{}, {}, 1});
    REQUIRE(last.lines.size() == 1);
    CHECK(last.lines[0].event == "reaped");
    CHECK(world.read({}, 3).lines.size() == 1);
    CHECK(world.read({}, 4).lines.empty());
  }
  TEST_CASE("what was overwritten and what was lost is told, and a life without its beginning, too") {
    World world;
    for (int i = 0; i < 11; ++i) world.add(21, i == 0 ? Event::kCreate : Event::kTake, kFirst);
    const Trace trace = world.read({kFirst, {}, {}});
    CHECK(trace.events == 11);
    CHECK(trace.overwritten == 3);
    CHECK(trace.lines.size() == 8);
    CHECK(trace_head(trace, {kFirst, {}, {}}).find("how it began is not among what is kept") != std::string::npos);
    CHECK(trace_head(world.read({kSecond, {}, {}}), {kSecond, {}, {}}).find("No event") != std::string::npos);
  }
  TEST_CASE("words that were never written by us are shown, and are JSON") {
    World world;
    world.add(21, static_cast<Event>(77), {segment::kNoEntry, ~0ull}, 999'999, ~0ull, ~0u);
    const Trace trace = world.read();
    REQUIRE(trace.lines.size() == 1);
    CHECK(trace.lines[0].event == "unknown");
    CHECK(trace.lines[0].site == "");
    const nlohmann::json json = trace_json(trace);
    CHECK(json["events"][0]["pid"] == 21);
    CHECK(json["events_so_far"] == 1);
  }
}
