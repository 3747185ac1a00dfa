// Takers of a member of a group that the raylet is about to free by one verdict, in every interleaving (rule 39).
#include <doctest/doctest.h>

#include "refs/scheduled_world.h"

namespace mobula::refs {
namespace {

constexpr std::uint32_t kMember = kEntry;
constexpr std::uint32_t kRepresentative = 1;

struct GroupWorld : ScheduledWorld {
  segment::EntryHeader &representative() { return segment->entry(kRepresentative); }

  // Two sealed objects that nobody holds; the member leads to the representative while they are one group.
  void begin_with_group(Scenario &scenario) {
    begin_with_dropped_object(scenario);
    new (&representative()) segment::EntryHeader{};
    representative().state.store(pack(State::kSealed, 1, 0));
    scenario.name(&representative().state, "state of the representative");
    scenario.name(&entry().group, "group");
    scenario.at_end([] { return std::string(); });
  }
  // G1 to G6. True: both are free.
  bool free_both() {
    entry().group.store(kRepresentative + 1, std::memory_order_seq_cst);
    std::uint64_t words[2] = {};
    const bool is_first_flagged = begin_evict(representative(), &words[0]);
    const bool is_flagged = is_first_flagged && begin_evict(entry(), &words[1]);
    if (is_flagged && !is_referenced(*segment, kMember, 1) && finish_evict(representative(), words[0])) {
      support::expect(finish_evict(entry(), words[1]), "a member of a condemned group is not rescued");
      ++freed;
      return true;
    }
    if (is_first_flagged) cancel_evict(representative(), words[0]);
    if (is_flagged) cancel_evict(entry(), words[1]);
    entry().group.store(0, std::memory_order_seq_cst);
    return false;
  }
  bool representative_lives() { return names(representative().state.load(), 0); }
};

TEST_SUITE("refs/scheduled group") {
  TEST_CASE("whoever takes a member finds the representative alive, or nothing") {
    GroupWorld world;
    bool freed = false;
    bool taken = false;
    check_all([&](Scenario &scenario) {
      world.begin_with_group(scenario);
      freed = taken = false;
      scenario.thread("taker", [&] { taken = world.second->take(0); });
      scenario.thread("raylet", [&] { freed = world.free_both(); });
      scenario.at_end([&]() -> std::string {
        if (taken && (freed || !world.representative_lives())) return "a member was taken, and what it contains freed";
        if (!taken && !freed) return "gone, though nobody freed it";
        return taken && is_evicting(world.word()) ? "the flag of an evictor is left" : "";
      });
    });
  }

  TEST_CASE("a member that was let go is not gone because the representative is freed without it later") {
    GroupWorld world;
    bool freed = false;
    bool taken = false;
    check_all([&](Scenario &scenario) {
      world.begin_with_group(scenario);
      freed = taken = false;
      scenario.thread("taker", [&] { taken = world.second->take(0); });
      scenario.thread("raylet", [&] {
        freed = world.free_both();
        if (freed) return;
        // The next pass finds the member held, and the representative alone.
        std::uint64_t word = 0;
        if (begin_evict(world.representative(), &word)) finish_evict(world.representative(), word);
      });
      scenario.at_end([&]() -> std::string {
        if (taken && freed) return "both held and freed";
        return !taken && !freed ? "gone, though nobody freed it" : "";
      });
    });
  }
}

}  // namespace
}  // namespace mobula::refs
