// A name that is given to another object while it is looked up, in every interleaving.
#include <doctest/doctest.h>

#include "refs/names.h"
#include "refs/scheduled_world.h"

namespace mobula::refs {
namespace {

constexpr ObjectName kFirst{0, 5};
constexpr ObjectName kSecond{1, 6};

struct ScheduledNames {
  std::unique_ptr<segment::Segment> segment = create_segment_with_entries();
  std::optional<NameTable> table;
  std::uint32_t replaced = 0;

  // "a" stands for the first object.
  void begin(Scenario &scenario) {
    segment->name_bucket(0);  // the same addresses in each execution
    table.emplace(*segment);
    table->publish("a", kFirst, false, &replaced);
    scenario.at_end([] { return std::string(); });
  }
};

TEST_SUITE("refs/scheduled names") {
  TEST_CASE("a look-up beside a replacement finds the one or the other, whole") {
    ScheduledNames names;
    check_all([&](Scenario &scenario) {
      names.begin(scenario);
      scenario.thread("raylet", [&] { names.table->publish("a", kSecond, true, &names.replaced); });
      scenario.thread("reader", [&] {
        const auto found = find_name(*names.segment, "a");
        support::expect(found && (found->object == kFirst || found->object == kSecond), "the one or the other");
      });
    });
  }

  TEST_CASE("a look-up beside a removal finds the object or nothing") {
    ScheduledNames names;
    check_all([&](Scenario &scenario) {
      names.begin(scenario);
      scenario.thread("raylet", [&] { names.table->unpublish("a"); });
      scenario.thread("reader", [&] {
        const auto found = find_name(*names.segment, "a");
        support::expect(!found || found->object == kFirst, "the object or nothing");
      });
    });
  }

  TEST_CASE("who finds a name current after it was taken off has looked before that") {
    ScheduledNames names;
    bool is_taken_off = false;
    check_all([&](Scenario &scenario) {
      names.begin(scenario);
      is_taken_off = false;
      scenario.thread("raylet", [&] {
        names.table->unpublish("a");
        is_taken_off = true;
      });
      scenario.thread("reader", [&] {
        const auto found = find_name(*names.segment, "a");
        if (!found) return;
        const bool was_taken_off = is_taken_off;
        support::expect(!was_taken_off || !is_current(*names.segment, *found), "not current any more");
      });
    });
  }
}

}  // namespace
}  // namespace mobula::refs
