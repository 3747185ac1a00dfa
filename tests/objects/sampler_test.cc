#include "objects/sampler.h"

#include <doctest/doctest.h>

#include <cstring>

#include "base/clock.h"
#include "objects/audit_world.h"

namespace mobula::objects {
namespace {

constexpr std::int64_t kMs = base::kNanosecondsPerMillisecond;
constexpr std::int64_t kSecond = base::kNanosecondsPerSecond;

struct SampledWorld : AuditWorld {
  // An object with a block of that size, held by anna.
  segment::Row &put(std::uint32_t number, std::uint32_t site, std::uint64_t bytes) {
    bind(number, next_offset, bytes);
    next_offset += bytes;
    segment::Row &row = anna.put(number);
    entry(number).site = site;
    return row;
  }
  SampleRecord look() const { return look_once(*segment); }

  std::uint64_t next_offset = 4096;
};

ShareRecord share(std::uint32_t id, std::uint32_t objects, std::uint64_t bytes) { return {id, objects, bytes}; }

TEST_SUITE("objects/sampler") {
  TEST_CASE("an empty session holds nothing") {
    CHECK(SampledWorld().look() == SampleRecord());
    CHECK(look_once(*segment::create_segment()) == SampleRecord());  // it has not even entries
  }

  TEST_CASE("bytes and objects are added up by creating site and by first holder, largest first") {
    SampledWorld world;
    world.put(1, 7, 4096);
    world.put(2, 7, 4096);
    world.put(3, 9, 16384);
    segment::Row *taken = nullptr;
    REQUIRE(world.bert.references.take({3, 0}, &taken) == refs::References::Take::kTaken);
    const SampleRecord sample = world.look();
    CHECK(sample.used_bytes == 24576);
    CHECK(sample.objects == 3);
    CHECK(sample.references == 4);
    CHECK(sample.sites == std::vector{share(9, 1, 16384), share(7, 2, 8192)});
    CHECK(sample.holders == std::vector{share(kAnna, 3, 24576)});
  }

  TEST_CASE("what nobody holds counts for its site alone, and an unknown site for nobody") {
    SampledWorld world;
    world.put(1, 7, 4096);
    world.put(2, 0, 4096);
    world.entry(1).holders.store(0);
    const SampleRecord sample = world.look();
    CHECK(sample.sites == std::vector{share(7, 1, 4096)});
    CHECK(sample.holders == std::vector{share(kAnna, 1, 4096)});
    CHECK(sample.used_bytes == 8192);
  }

  TEST_CASE("the eight largest of many are kept") {
    SampledWorld world;
    for (std::uint32_t number = 1; number <= 12; ++number) world.put(number, number, 64 * number);
    const std::vector<ShareRecord> sites = world.look().sites;
    REQUIRE(sites.size() == segment::kSharesPerSample);
    for (std::uint32_t i = 0; i < segment::kSharesPerSample; ++i) CHECK(sites[i] == share(12 - i, 1, 64 * (12 - i)));
  }

  TEST_CASE("a large result's bytes count for the object, not for its buffer") {
    SampledWorld world;
    world.put(1, 7, 8192);
    world.entry(1).kind = segment::Kind::kBuffer;
    world.anna.put(2);
    world.entry(2).kind = segment::Kind::kForward;
    world.entry(2).offset = segment::kInlineOffset;
    world.entry(2).site = 8;
    world.entry(2).size = 8000;
    segment::ForwardTarget target{0, 1, 0};
    const auto look = [&] {
      std::memcpy(world.entry(2).inline_bytes, &target, sizeof target);
      return world.look();
    };
    SampleRecord sample = look();
    CHECK(sample.objects == 1);
    CHECK(sample.used_bytes == 8192 + segment::kInlineBytes);
    CHECK(sample.sites == std::vector{share(8, 1, 8192 + segment::kInlineBytes)});
    SUBCASE("unless it is another one by now") { target.generation = 1; }
    SUBCASE("unless the number is damaged") { target.entry = ~0u; }
    CHECK(look().sites == std::vector{share(8, 1, segment::kInlineBytes)});
  }

  TEST_CASE("damaged words are counted within their limits") {
    SampledWorld world;
    world.put(1, ~0u, 4096);
    world.entry(1).holders.store(~0ull);
    world.entry(1).capacity_bytes = ~0ull;
    world.entry(1).kind = static_cast<segment::Kind>(77);
    const SampleRecord sample = world.look();
    CHECK(sample.used_bytes == world.segment->capacity_bytes());
    CHECK(sample.references == 64);
    CHECK(sample.sites.empty());
  }

  TEST_CASE("a step looks at a bounded number of words, and the next look begins anew") {
    SampledWorld world;
    world.put(1, 7, 4096);
    world.put(base::kEntriesPerChunk - 1, 7, 4096);
    EntryScan scan(*world.segment);
    for (int look = 0; look < 2; ++look) {
      int steps = 1;
      CHECK_FALSE(scan.is_under_way());
      for (; !scan.step(); ++steps) CHECK(scan.is_under_way());
      CHECK(steps == base::kEntriesPerChunk / EntryScan::kWordsPerStep);
      CHECK(scan.finish().used_bytes == 8192);
    }
    REQUIRE(world.segment->reserve_groups(4) == nullptr);
    int steps = 1;
    while (!scan.step()) ++steps;
    CHECK(steps == 4 * base::kEntriesPerChunk / EntryScan::kWordsPerStep);
    CHECK(scan.finish().objects == 2);
  }

  TEST_CASE("looks are an interval apart, and longer when they cost more than one part in a hundred") {
    SamplePace pace(kSecond);
    CHECK(pace.is_due(5 * kSecond));
    CHECK(pace.finish(5 * kSecond) == 1);
    CHECK_FALSE(pace.is_due(6 * kSecond - 1));
    CHECK(pace.is_due(6 * kSecond));
    for (int step = 0; step < 3; ++step) pace.add_cost(10 * kMs);
    CHECK(pace.finish(6 * kSecond) == 2);
    CHECK_FALSE(pace.is_due(9 * kSecond - 1));
    CHECK(pace.is_due(9 * kSecond));
    pace.finish(9 * kSecond);
    CHECK(pace.is_due(10 * kSecond));  // that one cost nothing
  }

  TEST_CASE("before a sleep a look may come early, and replaces the one of the same interval") {
    SamplePace pace(kSecond);
    CHECK(pace.finish(kSecond) == 1);
    CHECK_FALSE(pace.may_look(kSecond + kMs - 1));
    CHECK(pace.may_look(kSecond + kMs));
    CHECK(pace.finish(kSecond + 100 * kMs) == 2);
    CHECK(pace.finish(kSecond + 200 * kMs) == 2);
    CHECK(pace.finish(kSecond + 999 * kMs) == 2);
    CHECK(pace.finish(2 * kSecond) == 3);
    CHECK(pace.finish(2 * kSecond + 900 * kMs) == 3);
    // After a pause the one before it stays: that is what the session held meanwhile.
    CHECK(pace.finish(60 * kSecond) == 4);
  }

  TEST_CASE("early looks may come one after the other, but over some time cost no more than the others") {
    SamplePace pace(kSecond);
    std::int64_t now_ns = kSecond;
    std::int64_t looks = 0;
    for (; now_ns < 21 * kSecond; now_ns += kMs) {
      if (!pace.may_look(now_ns)) continue;
      pace.add_cost(kMs);
      pace.finish(now_ns);
      ++looks;
      if (now_ns == kSecond + 5 * kMs) CHECK(looks == 6);
    }
    CHECK(looks > 190);
    CHECK(looks < 215);  // 1 % of 20 s, and what is free at the start
  }

  TEST_CASE("an interval of 0 is never due") {
    const SamplePace pace(0);
    CHECK_FALSE(pace.is_on());
    CHECK_FALSE(pace.is_due(1ll << 60));
    CHECK_FALSE(pace.may_look(1ll << 60));
  }
}

}  // namespace
}  // namespace mobula::objects
