#include "ray/api/placement_group.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using ray::PlacementStrategy;
using ray::internal::RayException;
using ray::internal::to_group;
using ray::internal::to_placement_group;

}  // namespace

TEST_CASE("a group that was not found is empty") {
  const ray::PlacementGroup none = to_placement_group({});
  CHECK(none.Empty());
  CHECK(none.GetID().empty());
  CHECK(none.GetName().empty());
  CHECK(none.GetBundles().empty());
  CHECK(none.GetState() == ray::PlacementGroupState::UNRECOGNIZED);
  CHECK(none.GetStrategy() == PlacementStrategy::UNRECOGNIZED);
}

TEST_CASE("options reach the runtime as they are") {
  const mobula::runtime::Group group =
      to_group({"shelf", {{{"CPU", 1.0}}, {{"CPU", 2.0}, {"GPU", 0.5}}}, PlacementStrategy::STRICT_PACK});
  CHECK(group.name == "shelf");
  CHECK(group.strategy == mobula::runtime::GroupStrategy::kStrictPack);
  REQUIRE(group.bundles.size() == 2);
  CHECK(group.bundles[0].size() == 1);
  CHECK(group.bundles[0][0].name == "CPU");
  CHECK(group.bundles[1].size() == 2);
}

TEST_CASE("a strategy that does not exist is refused") {
  CHECK_THROWS_AS(to_group({"shelf", {}, PlacementStrategy::UNRECOGNIZED}), RayException);
  CHECK_THROWS_AS(to_group({"shelf", {}, static_cast<PlacementStrategy>(4)}), RayException);
}

TEST_CASE("what is looked up has everything that was asked for") {
  mobula::runtime::Group group =
      to_group({"shelf", {{{"CPU", 1.0}}, {{"CPU", 2.0}, {"GPU", 0.5}}}, PlacementStrategy::SPREAD});
  group.id = "seven";
  group.state = mobula::runtime::GroupState::kRemoved;
  const ray::PlacementGroup found = to_placement_group(group);
  CHECK_FALSE(found.Empty());
  CHECK(found.GetID() == "seven");
  CHECK(found.GetName() == "shelf");
  CHECK(found.GetStrategy() == PlacementStrategy::SPREAD);
  CHECK(found.GetState() == ray::PlacementGroupState::REMOVED);
  REQUIRE(found.GetBundles().size() == 2);
  CHECK(found.GetBundles()[1].at("GPU") == 0.5);
}
