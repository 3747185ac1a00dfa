#include "segment/ring.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

namespace mobula::segment {
namespace {

constexpr std::uint32_t kSlots = 8;

struct Ring {
  RingControl control{};
  RingSlot slots[kSlots] = {};
  RingProducer producer{&control, slots, kSlots};
  RingConsumer consumer{&control, slots, kSlots};
};

RingSlot message(std::uint32_t number) {
  RingSlot slot{};
  slot.kind = number;
  slot.count = ~number;
  for (std::uint32_t &word : slot.words) word = number * 3;
  return slot;
}

bool is_message(const RingSlot &slot, std::uint32_t number) {
  for (const std::uint32_t word : slot.words) {
    if (word != number * 3) return false;
  }
  return slot.kind == number && slot.count == ~number;
}

TEST_SUITE("segment/ring") {
  TEST_CASE("a new ring is empty") {
    Ring ring;
    RingSlot slot;
    CHECK(ring.consumer.empty());
    CHECK(ring.consumer.peek(&slot) == RingConsumer::Look::kEmpty);
    CHECK(ring.producer.depth() == 0);
  }

  TEST_CASE("a message is looked at again until it is popped") {
    Ring ring;
    REQUIRE(ring.producer.try_push(message(5)));
    RingSlot slot;
    for (int i = 0; i < 2; ++i) {
      REQUIRE(ring.consumer.peek(&slot) == RingConsumer::Look::kMessage);
      CHECK(is_message(slot, 5));
      CHECK_FALSE(ring.consumer.empty());
    }
    CHECK(ring.producer.depth() == 1);
    ring.consumer.pop();
    CHECK(ring.consumer.empty());
    CHECK(ring.producer.depth() == 0);
  }

  TEST_CASE("a full ring refuses a message and changes nothing, until one was popped") {
    Ring ring;
    for (std::uint32_t i = 0; i < kSlots; ++i) REQUIRE(ring.producer.try_push(message(i)));
    CHECK_FALSE(ring.producer.try_push(message(99)));
    CHECK(ring.control.tail.load() == kSlots);
    RingSlot slot;
    REQUIRE(ring.consumer.peek(&slot) == RingConsumer::Look::kMessage);
    CHECK(is_message(slot, 0));
    ring.consumer.pop();
    CHECK(ring.producer.try_push(message(kSlots)));
    CHECK_FALSE(ring.producer.try_push(message(99)));
    for (std::uint32_t i = 1; i <= kSlots; ++i) {
      REQUIRE(ring.consumer.peek(&slot) == RingConsumer::Look::kMessage);
      CHECK(is_message(slot, i));
      ring.consumer.pop();
    }
    CHECK(ring.consumer.empty());
  }

  TEST_CASE("positions wrap around the slots and around their own type") {
    Ring ring;
    const std::uint64_t nearly_wrapped = ~0ull - 5;
    ring.control.tail.store(nearly_wrapped);
    ring.control.head.store(nearly_wrapped);
    RingProducer producer(&ring.control, ring.slots, kSlots);
    RingConsumer consumer(&ring.control, ring.slots, kSlots);
    RingSlot slot;
    for (std::uint32_t i = 0; i < 3 * kSlots; ++i) {
      REQUIRE(producer.try_push(message(i)));
      REQUIRE(producer.try_push(message(i + 100)));
      REQUIRE(consumer.peek(&slot) == RingConsumer::Look::kMessage);
      CHECK(is_message(slot, i));
      consumer.pop();
      REQUIRE(consumer.peek(&slot) == RingConsumer::Look::kMessage);
      CHECK(is_message(slot, i + 100));
      consumer.pop();
    }
    CHECK(consumer.empty());
  }

  TEST_CASE("a producer and a consumer that begin late go on where the positions stand") {
    Ring ring;
    REQUIRE(ring.producer.try_push(message(1)));
    REQUIRE(ring.producer.try_push(message(2)));
    RingConsumer late(&ring.control, ring.slots, kSlots);
    RingSlot slot;
    REQUIRE(late.peek(&slot) == RingConsumer::Look::kMessage);
    late.pop();
    RingProducer second(&ring.control, ring.slots, kSlots);
    CHECK(second.depth() == 1);
    REQUIRE(second.try_push(message(3)));
    for (const std::uint32_t number : {2u, 3u}) {
      REQUIRE(late.peek(&slot) == RingConsumer::Look::kMessage);
      CHECK(is_message(slot, number));
      late.pop();
    }
  }

  TEST_CASE("an impossible tail is reported, not followed") {
    for (const std::uint64_t tail : {kSlots + 1ull, ~0ull, 1ull << 40}) {
      Ring ring;
      ring.control.tail.store(tail);
      RingSlot slot;
      CHECK(ring.consumer.peek(&slot) == RingConsumer::Look::kBroken);
    }
  }

  TEST_CASE("a scribbled head never makes the producer write outside its slots") {
    Ring ring;
    REQUIRE(ring.producer.try_push(message(1)));
    for (const std::uint64_t head : {5ull, ~0ull, 1ull << 63}) {
      ring.control.head.store(head);
      for (std::uint32_t i = 0; i < 3 * kSlots; ++i) static_cast<void>(ring.producer.try_push(message(i)));
    }
    CHECK(ring.control.tail.load() <= 1 + 9 * kSlots);
  }

  TEST_CASE("a million messages between two threads arrive whole and in order") {
    constexpr std::uint32_t kMessages = 1'000'000;
    Ring ring;
    std::thread sender([&ring] {
      for (std::uint32_t i = 0; i < kMessages;) {
        if (ring.producer.try_push(message(i)))
          ++i;
        else
          std::this_thread::yield();
      }
    });
    std::uint32_t wrong = 0;
    RingSlot slot;
    for (std::uint32_t i = 0; i < kMessages;) {
      if (ring.consumer.peek(&slot) != RingConsumer::Look::kMessage) {
        std::this_thread::yield();
        continue;
      }
      wrong += is_message(slot, i) ? 0 : 1;
      ring.consumer.pop();
      ++i;
    }
    sender.join();
    CHECK(wrong == 0);
    CHECK(ring.consumer.empty());
  }
}

}  // namespace
}  // namespace mobula::segment
