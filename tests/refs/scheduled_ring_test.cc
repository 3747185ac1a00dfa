// A ring and the references that its messages carry, in every interleaving (rule 13).
#include <doctest/doctest.h>

#include <array>

#include "refs/scheduled_world.h"
#include "segment/ring.h"

namespace mobula::refs {
namespace {

using segment::RingConsumer;
using segment::RingProducer;
using segment::RingSlot;

constexpr std::uint32_t kSlots = 2;

struct ScheduledRing {
  segment::RingControl control;
  std::array<RingSlot, kSlots> slots;
  RingProducer producer;
  RingConsumer consumer;
  std::array<support::Cell, kSlots> bytes;  // of the slots

  void begin(Scenario &scenario) {
    control.tail.store(0);
    control.head.store(0);
    slots = {};
    producer = RingProducer(&control, slots.data(), kSlots);
    consumer = RingConsumer(&control, slots.data(), kSlots);
    scenario.name(&control.tail, "tail");
    scenario.name(&control.head, "head");
  }
  // False: no room.
  bool push(std::uint32_t number) {
    if (producer.depth() == kSlots) return false;
    bytes[number % kSlots].write();
    RingSlot slot{};
    slot.words[0] = number;
    support::expect(producer.try_push(slot), "there was room");
    return true;
  }
  // False: nothing there.
  bool pop(std::uint32_t number) {
    RingSlot slot{};
    if (consumer.peek(&slot) != RingConsumer::Look::kMessage) return false;
    bytes[number % kSlots].read();
    support::expect(slot.words[0] == number, "in their order");
    consumer.pop();
    return true;
  }
};

// The raylet's side of a submission: what it has counted for messages, and the steps E1 to E7.
struct ScheduledRaylet {
  ScheduledWorld &world;
  ScheduledRing &ring;
  std::uint32_t counted = 0;

  void drain() {
    while (ring.pop(counted)) ++counted;
  }
  void evict() {
    std::uint64_t flagged = 0;
    segment::EntryHeader &header = world.entry();
    if (!begin_evict(header, &flagged)) return;
    if (is_referenced(*world.segment, kEntry, world.segment->groups_live())) {
      cancel_evict(header, flagged);
      return;
    }
    drain();  // E5
    if (counted != 0) {
      cancel_evict(header, flagged);
    } else if (finish_evict(header, flagged)) {
      ++world.freed;
      world.bytes.write();
    }
  }
  // What the submitter does: tells of the object, then drops it.
  void submit_and_drop() {
    world.bytes.read();
    ring.push(0);
    world.first->release(*world.first->row);
  }
  std::string at_rest() {
    drain();
    if (counted != 0 && world.freed != 0) return "freed while a message named it";
    return world.at_rest();
  }
};

TEST_SUITE("refs/scheduled ring") {
  TEST_CASE("messages arrive whole and in their order, and no slot is written before it was read") {
    ScheduledRing ring;
    check_all([&](Scenario &scenario) {
      ring.begin(scenario);
      scenario.thread("producer", [&] {
        std::uint32_t number = 0;
        for (std::uint32_t tries = 0; tries < 4; ++tries) number += ring.push(number) ? 1 : 0;
      });
      scenario.thread("consumer", [&] {
        std::uint32_t number = 0;
        for (std::uint32_t tries = 0; tries < 4; ++tries) number += ring.pop(number) ? 1 : 0;
      });
    });
  }

  TEST_CASE("an argument whose message lies unread is not freed when its submitter drops it") {
    ScheduledWorld world;
    ScheduledRing ring;
    std::optional<ScheduledRaylet> raylet;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      ring.begin(scenario);
      raylet.emplace(ScheduledRaylet{world, ring});
      scenario.thread("submitter", [&] { raylet->submit_and_drop(); });
      scenario.thread("raylet", [&] { raylet->evict(); });
      scenario.at_end([&] { return raylet->at_rest(); });
    });
  }

  TEST_CASE("two attempts to evict an argument while it is submitted and dropped, with a take by another process") {
    ScheduledWorld world;
    ScheduledRing ring;
    std::optional<ScheduledRaylet> raylet;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      ring.begin(scenario);
      raylet.emplace(ScheduledRaylet{world, ring});
      scenario.thread("submitter", [&] { raylet->submit_and_drop(); });
      scenario.thread("raylet", [&] {
        raylet->evict();
        raylet->evict();
      });
      scenario.thread("taker", [&] {
        if (world.second->take(0)) world.bytes.read();
      });
      scenario.at_end([&] { return raylet->at_rest(); });
    });
  }
}

}  // namespace
}  // namespace mobula::refs
