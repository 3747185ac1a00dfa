#include "tasks/placement_groups.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace mobula::tasks;

namespace {

constexpr std::int64_t kOne = kUnitsPerOne;

struct Fixture {
  Resources session{Quantities{{"CPU", 4 * kOne}, {"GPU", 2 * kOne}}};
  PlacementGroups groups{session};
  std::string why;

  GroupNumber create(std::vector<Quantities> bundles, const std::string &name = "",
                     GroupStrategy strategy = GroupStrategy::kPack) {
    return groups.create({.name = name, .job = 1, .bundles = std::move(bundles), .strategy = strategy}, &why);
  }
};

const Quantities kTwoCpus{{"CPU", 2 * kOne}};

}  // namespace

TEST_SUITE("tasks/placement_groups") {
  TEST_CASE_FIXTURE(Fixture, "a group waits until all of its bundles fit, and reserves them together") {
    const GroupNumber first = create({kTwoCpus, {{"CPU", kOne}}});
    CHECK(groups.find(first)->state == GroupState::kPending);
    CHECK(session.used_units("CPU") == 0);
    CHECK(groups.place(first));
    CHECK(groups.find(first)->state == GroupState::kCreated);
    const GroupNumber second = create({{{"CPU", kOne}}, {{"CPU", kOne}}});
    CHECK_FALSE(groups.place(second));
    CHECK(session.used_units("CPU") == 3 * kOne);  // nothing is kept of what did not fit
    CHECK(groups.bundle(second, 0) == nullptr);
    CHECK(groups.remove(first));
    CHECK(groups.place(second));
    CHECK(session.used_units("CPU") == 2 * kOne);
  }

  TEST_CASE_FIXTURE(Fixture, "removing frees the bundles whoever uses them, and again does nothing") {
    const GroupNumber group = create({kTwoCpus});
    REQUIRE(groups.place(group));
    REQUIRE(groups.bundle(group, 0)->acquire({{"CPU", kOne}}));
    CHECK(groups.remove(group));
    CHECK_FALSE(groups.remove(group));
    CHECK(session.used_units("CPU") == 0);
    CHECK(groups.find(group)->state == GroupState::kRemoved);
    CHECK_FALSE(groups.place(group));
    CHECK_FALSE(groups.remove(77));
  }

  TEST_CASE_FIXTURE(Fixture, "bundles are ledgers of their own") {
    const GroupNumber group = create({kTwoCpus, {{"GPU", kOne}}, {{"GPU", kOne}}});
    REQUIRE(groups.place(group));
    CHECK_FALSE(groups.bundle(group, 1)->fits(kTwoCpus));
    CHECK(groups.bundle(group, 0)->fits(kTwoCpus));
    const Grant one = *groups.bundle(group, 1)->acquire({{"GPU", kOne}});
    const Grant other = *groups.bundle(group, 2)->acquire({{"GPU", kOne}});
    CHECK((one.device_bits() | other.device_bits()) == 3);
    CHECK(groups.bundle(group, 3) == nullptr);
  }

  TEST_CASE_FIXTURE(Fixture, "what can never be placed says why and stays pending") {
    const GroupNumber spread = create({kTwoCpus, kTwoCpus}, "", GroupStrategy::kStrictSpread);
    CHECK_FALSE(groups.place(spread));
    CHECK(groups.infeasible_text(spread).find("STRICT_SPREAD") != std::string::npos);
    const GroupNumber large = create({{{"CPU", 3 * kOne}}, kTwoCpus});
    CHECK(groups.infeasible_text(large) == "asked: CPU 5; the session has: CPU 4, GPU 2");
    const GroupNumber parts = create({{{"GPU", 6'000}}, {{"GPU", 6'000}}, {{"GPU", 6'000}}});
    CHECK_FALSE(groups.infeasible_text(parts).empty());  // 1.8 of 2, but three times a part of one device
    CHECK(groups.infeasible_text(create({kTwoCpus}, "", GroupStrategy::kStrictSpread)).empty());
    CHECK(groups.infeasible_text(create({kTwoCpus, kTwoCpus}, "", GroupStrategy::kStrictPack)).empty());
    CHECK(groups.infeasible_text(create({kTwoCpus, kTwoCpus}, "", GroupStrategy::kSpread)).empty());
  }

  TEST_CASE_FIXTURE(Fixture, "a name belongs to one living group, and leads to the last one that had it") {
    const GroupNumber first = create({kTwoCpus}, "a");
    CHECK(create({kTwoCpus}, "a") == 0);
    CHECK(why.find("name a is there") != std::string::npos);
    groups.remove(first);
    CHECK(groups.find_by_name("a")->number == first);
    const GroupNumber second = create({kTwoCpus}, "a");
    CHECK(groups.find_by_name("a")->number == second);
    CHECK(groups.find_by_name("b") == nullptr);
    CHECK(create({}) == 0);
    CHECK(create({Quantities{}}) == 0);
    CHECK(groups.of_job(1) == std::vector<GroupNumber>{second});
  }

  TEST_CASE_FIXTURE(Fixture, "living and removed groups have limits") {
    for (std::size_t i = 0; i < kLivingGroupsMax; ++i) REQUIRE(create({kTwoCpus}, std::to_string(i)) != 0);
    CHECK(create({kTwoCpus}) == 0);
    CHECK(why.find("4096") != std::string::npos);
    for (GroupNumber number = 1; number <= kRemovedGroupsMax + 1; ++number) REQUIRE(groups.remove(number));
    CHECK(groups.find(1) == nullptr);
    CHECK(groups.find_by_name("0") == nullptr);
    CHECK(groups.find(2) != nullptr);
    CHECK(groups.all().size() == kLivingGroupsMax - 1);
    CHECK(create({kTwoCpus}, "0") != 0);
  }

  TEST_CASE_FIXTURE(Fixture, "the session has what no created group has, under random groups") {
    std::mt19937_64 random(5);
    std::set<GroupNumber> living;
    int wrong = 0;
    int placed = 0;
    for (int round = 0; round < 20'000; ++round) {
      const std::uint64_t what = random() % 3;
      if (what == 0 && living.size() < 50) {
        std::vector<Quantities> bundles(1 + random() % 3);
        for (Quantities &bundle : bundles) bundle[random() % 2 == 0 ? "CPU" : "GPU"] = (1 + random() % 2) * kOne;
        living.insert(create(bundles));
      } else if (what == 1 && !living.empty()) {
        placed += groups.place(*living.rbegin()) ? 1 : 0;
      } else if (!living.empty()) {
        const auto one = std::next(living.begin(), static_cast<std::ptrdiff_t>(random() % living.size()));
        groups.remove(*one);
        living.erase(one);
      }
      std::int64_t cpu = 0;
      std::int64_t gpu = 0;
      for (const GroupNumber number : living) {
        const PlacementGroup *const group = groups.find(number);
        cpu += group->state == GroupState::kCreated ? units_of(group->sum, "CPU") : 0;
        gpu += group->state == GroupState::kCreated ? units_of(group->sum, "GPU") : 0;
      }
      wrong += session.used_units("CPU") == cpu && session.used_units("GPU") == gpu ? 0 : 1;
      wrong += cpu <= 4 * kOne && gpu <= 2 * kOne ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(placed > 500);
  }
}
