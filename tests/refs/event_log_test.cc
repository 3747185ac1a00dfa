#include "refs/event_log.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "segment/test_segment.h"

namespace mobula::refs {
namespace {

using segment::Event;
using segment::Segment;

std::unique_ptr<Segment> segment_with_log(std::uint32_t records) {
  std::unique_ptr<Segment> segment;
  std::string notice;
  REQUIRE(Segment::create(segment::kTestCapacityBytes, &segment, &notice, records) == nullptr);
  return segment;
}

TEST_CASE("without a log nothing is written and nothing is read") {
  const auto segment = segment::create_segment();
  const EventLog log(*segment, 1);
  CHECK_FALSE(log.is_on());
  CHECK(read_log(*segment).empty());
}

TEST_CASE("events are read in their order, with who did what to which object, where") {
  const auto segment = segment_with_log(100);
  const EventLog first(*segment, 11);
  const EventLog second(*segment, 22);
  first.add(Event::kCreate, {5, 7}, 3, 4096);
  second.add(Event::kTake, {5, 7}, 4);
  first.add(Event::kReap, {5, 7}, 0, 0, 22);
  const std::vector<LoggedEvent> events = read_log(*segment::attach_again(*segment));
  REQUIRE(events.size() == 3);
  CHECK(events[0].event == Event::kCreate);
  CHECK(events[0].pid == 11);
  CHECK(events[0].name == ObjectName{5, 7});
  CHECK(events[0].site == 3);
  CHECK(events[0].bytes == 4096);
  CHECK(events[1].event == Event::kTake);
  CHECK(events[1].pid == 22);
  CHECK(events[2].holder == 22);
  CHECK(events[0].at_ns <= events[2].at_ns);
}

TEST_CASE("the log keeps the newest events, as many as it was made for") {
  const auto segment = segment_with_log(16);
  const EventLog log(*segment, 1);
  for (std::uint64_t i = 1; i <= 100; ++i) log.add(Event::kTake, {1, i}, 0);
  const std::vector<LoggedEvent> events = read_log(*segment);
  REQUIRE(events.size() == 16);
  CHECK(events.front().name.generation == 85);
  CHECK(events.back().name.generation == 100);
  CHECK(segment->header().log_lost.load() == 0);
}

TEST_CASE("a place whose writer has died is skipped, counted, and holds nobody up") {
  const auto segment = segment_with_log(16);
  const EventLog log(*segment, 1);
  segment->log_record(3).number.store(~0ull);  // as between its claim and its end
  for (std::uint64_t i = 1; i <= 32; ++i) log.add(Event::kTake, {1, i}, 0);
  const std::vector<LoggedEvent> events = read_log(*segment);
  CHECK(events.size() == 15);
  for (const LoggedEvent &event : events) CHECK(event.name.generation % 16 != 3);
  CHECK(segment->header().log_lost.load() == 2);
}

TEST_CASE("every event that many threads write is read whole, or counted as lost") {
  constexpr std::uint64_t kThreads = 4;
  constexpr std::uint64_t kEvents = 20'000;
  const auto segment = segment_with_log(64);
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t pid = 1; pid <= kThreads; ++pid) {
      threads.emplace_back([&segment, pid] {
        const EventLog log(*segment, pid);
        // Pid, entry and site of one event are the same number.
        for (std::uint64_t i = 0; i < kEvents; ++i) log.add(Event::kTake, {pid, i}, pid, pid);
      });
    }
    for (int look = 0; look < 200; ++look) {
      for (const LoggedEvent &event : read_log(*segment)) {
        CHECK(event.pid == event.name.entry);
        CHECK(event.pid == event.site);
        CHECK(event.pid == event.bytes);
      }
    }
  }
  CHECK(segment->header().log_events.load() == kThreads * kEvents);
}

}  // namespace
}  // namespace mobula::refs
