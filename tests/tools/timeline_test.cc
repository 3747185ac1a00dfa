#include "tools/timeline.h"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "segment/notes.h"
#include "segment/sites.h"
#include "segment/test_segment.h"

using namespace mobula;
using namespace mobula::tools;
using nlohmann::json;
using segment::ActivityKind;

namespace {

constexpr std::int64_t kNowNs = 100 * base::kNanosecondsPerSecond;
constexpr std::int64_t kMs = base::kNanosecondsPerMillisecond;

Slice slice(std::int64_t began_ns, std::int64_t ended_ns) { return {began_ns, ended_ns, "f", "task", "", "done", 0}; }

std::vector<std::size_t> lanes_of(std::vector<Slice> slices) {
  assign_lanes(&slices);
  std::vector<std::size_t> lanes;
  for (const Slice &one : slices) lanes.push_back(one.lane);
  return lanes;
}

// A session that began at 1 s, with one worker.
struct World {
  World() {
    REQUIRE(segment->reserve_client(1) == nullptr);
    segment->client(1).pid = 4'000'001;
    segment->client(1).kind = segment::ClientKind::kWorker;
    segment->header().clients_reserved.store(2);
    segment->header().started_ns = base::kNanosecondsPerSecond;
    site = intern_site(*segment, {segment::SiteKind::kTask, 0, "", "work"});
  }
  void note(ActivityKind kind, std::int64_t began_ms, std::int64_t ended_ms) {
    segment::ClientSlot &slot = segment->client(1);
    const std::uint64_t number = slot.activities.load() + 1;
    segment::Activity &activity = segment->activity(1, number);
    segment::write_note(activity, number, [&] {
      activity.began_ns.store(static_cast<std::uint64_t>(base::kNanosecondsPerSecond + began_ms * kMs));
      activity.ended_ns.store(static_cast<std::uint64_t>(base::kNanosecondsPerSecond + ended_ms * kMs));
      activity.kind.store(static_cast<std::uint32_t>(kind));
      activity.entry.store(segment::kNoEntry);
      activity.site.store(site);
      activity.end.store(0);
      activity.pid.store(4'000'001);
    });
    slot.activities.store(number);
  }
  Timeline read() const { return read_timeline(*segment, 10, kNowNs); }

  std::unique_ptr<segment::Segment> segment = segment::create_segment();
  std::uint32_t site = 0;
};

const Track &worker_of(const Timeline &timeline) {
  for (const Track &track : timeline.tracks) {
    if (track.pid == 4'000'001) return track;
  }
  throw std::runtime_error("no track");
}

// Each event has what it must have, and slices of one thread lie inside of each other or apart.
void check_structure(const json &events) {
  std::map<std::pair<int, int>, std::vector<std::pair<double, double>>> threads;
  for (const json &event : events) {
    REQUIRE(event.contains("ph"));
    CHECK(event["ts"].is_number());
    CHECK(event["pid"].is_number());
    if (event["ph"] != "X") continue;
    CHECK(event["dur"].get<double>() >= 0);
    threads[{event["pid"], event["tid"]}].emplace_back(event["ts"],
                                                       event["ts"].get<double>() + event["dur"].get<double>());
  }
  for (const auto &[thread, slices] : threads) {
    for (std::size_t i = 0; i < slices.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const auto &[a, b] = std::pair(slices[j], slices[i]);
        const bool are_apart = a.second <= b.first || b.second <= a.first;
        const bool is_inside =
            (a.first <= b.first && b.second <= a.second) || (b.first <= a.first && a.second <= b.second);
        CHECK((are_apart || is_inside));
      }
    }
  }
}

}  // namespace

TEST_SUITE("tools/timeline") {
  TEST_CASE("slices that nest or follow each other share a lane, those that overlap do not") {
    CHECK(lanes_of({slice(0, 10), slice(2, 5), slice(3, 4), slice(5, 8), slice(10, 12)}) ==
          std::vector<std::size_t>{0, 0, 0, 0, 0});
    CHECK(lanes_of({slice(0, 10), slice(5, 15), slice(12, 20), slice(16, 18)}) == std::vector<std::size_t>{0, 1, 0, 0});
    CHECK(lanes_of({slice(3, 3), slice(0, 10), slice(0, 20)}) == std::vector<std::size_t>{0, 0, 0});
  }
  TEST_CASE("what overlaps more than there are lanes is counted") {
    std::vector<Slice> slices;
    for (std::int64_t i = 0; i < 70; ++i) slices.push_back(slice(i, 1000 + i));
    CHECK(assign_lanes(&slices) == 70 - kLanesMax);
    CHECK(slices.size() == kLanesMax);
  }
  TEST_CASE("tasks and waits are slices of their process, from the session's start on") {
    World world;
    world.note(ActivityKind::kTask, 10, 30);
    world.note(ActivityKind::kWait, 15, 20);
    world.note(ActivityKind::kTask, 30, 40);
    const Timeline timeline = world.read();
    const Track &worker = worker_of(timeline);
    REQUIRE(worker.slices.size() == 3);
    CHECK(worker.slices[0].name == "work");
    CHECK(worker.slices[0].began_ns == 10 * kMs);
    CHECK(worker.slices[1].category == "wait");
    CHECK(timeline.reaches.empty());
    const json events = timeline_json(timeline)["traceEvents"];
    check_structure(events);
    CHECK(timeline_text(timeline).find("back to the session's start") != std::string::npos);
  }
  TEST_CASE("a task that runs now lasts until now, and one that began in the future is none") {
    World world;
    segment::ClientSlot &slot = world.segment->client(1);
    slot.task_since_ns.store(static_cast<std::uint64_t>(kNowNs - 5 * kMs));
    slot.task_entry_plus_1.store(1);
    slot.task_site.store(world.site);
    CHECK(worker_of(world.read()).slices.at(0).end == "runs");
    slot.task_since_ns.store(static_cast<std::uint64_t>(kNowNs + 1));
    CHECK(worker_of(world.read()).slices.empty());
  }
  TEST_CASE("times that cannot be and kinds that are none are left out and counted") {
    World world;
    world.note(ActivityKind::kTask, 30, 20);
    world.note(ActivityKind::kTask, -500, 20);
    world.note(ActivityKind::kTask, 30, 1'000'000'000);
    world.note(static_cast<ActivityKind>(9), 30, 40);
    const Timeline timeline = world.read();
    CHECK(timeline.left_out == 4);
    CHECK(worker_of(timeline).slices.empty());
    check_structure(timeline_json(timeline)["traceEvents"]);
  }
  TEST_CASE("of more activities than are kept it is told how far back they reach") {
    World world;
    for (int i = 0; i < 300; ++i) world.note(ActivityKind::kTask, 10 * i, 10 * i + 5);
    const Timeline timeline = world.read();
    REQUIRE(timeline.reaches.size() == 1);
    CHECK(timeline.reaches[0].overwritten == 44);
    CHECK(timeline.reaches[0].begins_ns == 440 * kMs);
    CHECK(timeline_text(timeline).find("pid 4000001: from 0.440 s on, 44 overwritten") != std::string::npos);
  }
}
