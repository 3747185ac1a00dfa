#include "objects/eviction_policy.h"

#include <doctest/doctest.h>

#include <vector>

namespace mobula::objects {
namespace {

using Batch = std::vector<std::uint32_t>;

Batch next(EvictionPolicy &policy, std::uint32_t entries, std::size_t batch_max) {
  Batch batch{99};  // what was there before is replaced
  policy.next_batch(entries, batch_max, &batch);
  return batch;
}

EvictionFacts sealed() {
  EvictionFacts facts;
  facts.state = refs::State::kSealed;
  return facts;
}

TEST_SUITE("objects/eviction_policy") {
  TEST_CASE("a settled object that nobody refers to may be freed") {
    CHECK(may_free(sealed()));
    CHECK(is_evictable(sealed()));
    EvictionFacts failed = sealed();
    failed.state = refs::State::kFailed;
    CHECK(may_free(failed));
  }

  TEST_CASE("each single reason keeps an object") {
    for (const refs::State state : {refs::State::kFree, refs::State::kPending, refs::State::kCreating}) {
      EvictionFacts facts;
      facts.state = state;
      CHECK_FALSE(may_free(facts));
      CHECK_FALSE(is_evictable(facts));
    }
    EvictionFacts held = sealed();
    held.held = true;
    EvictionFacts pinned = sealed();
    pinned.pinned = true;
    EvictionFacts referenced = sealed();
    referenced.raylet_refs = 1;
    for (const EvictionFacts &facts : {held, pinned, referenced}) {
      CHECK_FALSE(may_free(facts));
      CHECK_FALSE(is_evictable(facts));
    }
  }

  TEST_CASE("a retained object goes only under pressure") {
    EvictionFacts retained = sealed();
    retained.retained = true;
    CHECK_FALSE(may_free(retained));
    CHECK(is_evictable(retained));
  }

  TEST_CASE("without suggestions there is no work") {
    EvictionPolicy policy;
    CHECK_FALSE(policy.has_work());
    CHECK(next(policy, 100, 10).empty());
  }

  TEST_CASE("suggestions come in order, once each, and may come again afterwards") {
    EvictionPolicy policy;
    for (const std::uint32_t entry : {5u, 3u, 5u, 1000u, 3u}) policy.suggest(entry);
    CHECK(policy.has_work());
    CHECK(next(policy, 2000, 2) == Batch{5, 3});
    policy.suggest(5);
    CHECK(next(policy, 2000, 10) == Batch{1000, 5});
    CHECK_FALSE(policy.has_work());
  }

  TEST_CASE("a scan looks at every entry once, a batch at a time, suggestions first") {
    EvictionPolicy policy;
    policy.request_scan();
    policy.suggest(9);
    CHECK(next(policy, 5, 4) == Batch{9, 0, 1, 2});
    CHECK(policy.has_work());
    CHECK(next(policy, 5, 4) == Batch{3, 4});
    CHECK_FALSE(policy.has_work());
  }

  TEST_CASE("a scan asked for during a scan covers every entry again") {
    EvictionPolicy policy;
    policy.request_scan();
    CHECK(next(policy, 4, 3) == Batch{0, 1, 2});
    policy.request_scan();
    CHECK(next(policy, 4, 10) == Batch{3, 0, 1, 2});
    CHECK_FALSE(policy.has_work());
  }

  TEST_CASE("a scan of an empty store ends") {
    EvictionPolicy policy;
    policy.request_scan();
    CHECK(next(policy, 0, 4).empty());
    CHECK_FALSE(policy.has_work());
  }
}

}  // namespace
}  // namespace mobula::objects
