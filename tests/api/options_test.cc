#include "ray/api/option_checks.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <unordered_map>
#include <utility>

#include "mobula/task.h"

namespace {

using ray::internal::CheckTaskOptions;
using ray::internal::RayException;

// A caller that gives back what it would submit.
class Caller : public ray::internal::CallerOptions<Caller> {
 public:
  mobula::runtime::TaskOptions Remote() { return checked_options(); }
};

ray::PlacementGroup group_of(std::size_t bundles) {
  return {"group", {"name", {bundles, {{"CPU", 1.0}}}, ray::PlacementStrategy::PACK}};
}

std::string refused(const std::unordered_map<std::string, double> &resources) {
  try {
    CheckTaskOptions(resources);
  } catch (const RayException &problem) {
    return problem.what();
  }
  return "";
}

}  // namespace

TEST_CASE("resources are positive, and integers above one") {
  CHECK(refused({}).empty());
  CHECK(refused({{"CPU", 1}, {"GPU", 0.5}, {"slots", 3}}).empty());
  CHECK(refused({{"", 1}}) == "Resource values should be positive. Specified resource:  = 1.000000.");
  CHECK(refused({{"CPU", 0}}) == "Resource values should be positive. Specified resource: CPU = 0.000000.");
  CHECK(refused({{"CPU", -1}}) == "Resource values should be positive. Specified resource: CPU = -1.000000.");
  CHECK_FALSE(refused({{"CPU", std::nan("")}}).empty());
  CHECK(refused({{"CPU", 2.5}}) ==
        "A resource value should be an integer if it is greater than 1.0. Specified resource: CPU = 2.500000.");
}

TEST_CASE("options arrive as they were set") {
  ray::RuntimeEnv environment;
  environment.Set("working_dir", "/work");
  const mobula::runtime::TaskOptions options = Caller()
                                                   .SetName("third")
                                                   .SetResource("CPU", 2)
                                                   .SetRuntimeEnv(environment)
                                                   .SetPlacementGroup(group_of(2), 1)
                                                   .Remote();
  CHECK(options.name == "third");
  REQUIRE(options.resources.size() == 1);
  CHECK(options.resources[0].name == "CPU");
  CHECK(options.resources[0].quantity == 2);
  CHECK(options.runtime_env == R"({"working_dir":"/work"})");
  CHECK(options.placement_group == "group");
  CHECK(options.bundle == 1);
}

TEST_CASE("nothing is asked for by default") {
  const mobula::runtime::TaskOptions options = Caller().Remote();
  CHECK(options.retries == 1);
  CHECK_FALSE(options.retry_exceptions);
  CHECK(options.deadline_ms == -1);
  CHECK(options.name.empty());
  CHECK(options.resources.empty());
  CHECK(options.placement_group.empty());
  CHECK(options.bundle == -1);
  CHECK(options.runtime_env.empty());
}

TEST_CASE("of one resource the first value counts, and a new list replaces the old one") {
  const auto first = Caller().SetResource("CPU", 1).SetResource("CPU", 2).Remote();
  REQUIRE(first.resources.size() == 1);
  CHECK(first.resources[0].quantity == 1);
  const auto replaced = Caller().SetResource("CPU", 1).SetResources({{"GPU", 2.0}}).Remote();
  REQUIRE(replaced.resources.size() == 1);
  CHECK(replaced.resources[0].name == "GPU");
  const auto kept = Caller().SetResources({{"GPU", 2.0}}).SetResource("GPU", 3).Remote();
  CHECK(kept.resources[0].quantity == 2);
}

TEST_CASE("what may not be asked for is refused when the task is submitted") {
  CHECK_THROWS_AS(Caller().SetResource("CPU", 0).Remote(), RayException);
  CHECK_THROWS_AS(Caller().SetResources({{"CPU", 1.5}}).Remote(), RayException);
  ray::RuntimeEnv environment;
  environment.Set("conda", "base");
  Caller caller;
  CHECK_NOTHROW(caller.SetRuntimeEnv(environment));
  CHECK_THROWS_WITH_AS(caller.Remote(), doctest::Contains("conda"), ray::internal::RayRuntimeEnvException);
}

TEST_CASE("a bundle that the group does not have is refused, an empty group means none") {
  CHECK(Caller().SetPlacementGroup(group_of(2), -1).Remote().bundle == -1);
  CHECK_THROWS_WITH_AS(Caller().SetPlacementGroup(group_of(2), 2),
                       "The bundle index 2 is not one of the placement group's 2 bundles (-1 = any).", RayException);
  CHECK_THROWS_AS(Caller().SetPlacementGroup(group_of(2), -2), RayException);
  const auto none = Caller().SetPlacementGroup(ray::PlacementGroup(), 5).Remote();
  CHECK(none.placement_group.empty());
  CHECK(none.bundle == -1);
}

TEST_CASE("retries, retried exceptions and deadlines are set by functions beside the caller") {
  using std::chrono::milliseconds;
  const auto options =
      mobula::with_deadline(mobula::with_retry_exceptions(mobula::with_retries(Caller().SetName("n"), 3)),
                            std::chrono::seconds(2))
          .Remote();
  CHECK(options.name == "n");
  CHECK(options.retries == 3);
  CHECK(options.retry_exceptions);
  CHECK(options.deadline_ms == 2'000);
  CHECK(mobula::with_deadline(Caller(), milliseconds(0)).Remote().deadline_ms == 0);
  CHECK(mobula::with_deadline(Caller(), milliseconds(-7)).Remote().deadline_ms == -1);
}
