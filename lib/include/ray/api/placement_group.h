// ray/api/placement_group.h: bundles of resources that are reserved together.
//   Threads    the functions may be called by any thread; one PlacementGroup belongs to one thread
//   Errors     RayException for a name that is taken, an empty bundle and a strategy that does not exist.
//              RayUnschedulableException from Wait when the group can never be placed
//   Cost       a question to the raylet each, except for the members that only read
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mobula/runtime_groups.h"
#include "ray/api/exceptions.h"

namespace ray {

enum class PlacementStrategy { PACK = 0, SPREAD = 1, STRICT_PACK = 2, STRICT_SPREAD = 3, UNRECOGNIZED = -1 };

enum PlacementGroupState {
  PENDING = 0,
  PREPARED = 1,
  CREATED = 2,
  REMOVED = 3,
  RESCHEDULING = 4,
  UNRECOGNIZED = -1,
};

struct PlacementGroupCreationOptions {
  std::string name;
  std::vector<std::unordered_map<std::string, double>> bundles;
  PlacementStrategy strategy;
};

// What is known of a group; a picture of the moment when it was looked up.
class PlacementGroup {
 public:
  PlacementGroup() = default;
  PlacementGroup(std::string id, PlacementGroupCreationOptions options,
                 PlacementGroupState state = PlacementGroupState::UNRECOGNIZED)
      : id_(std::move(id)), options_(std::move(options)), state_(state) {}

  std::string GetID() const { return id_; }
  std::string GetName() const { return options_.name; }
  std::vector<std::unordered_map<std::string, double>> GetBundles() const { return options_.bundles; }
  PlacementGroupState GetState() const { return state_; }
  PlacementStrategy GetStrategy() const { return options_.strategy; }
  // True for the group that a look-up did not find.
  bool Empty() const { return id_.empty(); }

  // Waits until the resources are reserved; false when the time is over.
  bool Wait(int timeout_seconds) const {
    if (callback_) return callback_(id_, timeout_seconds);
    bool ready = false;
    internal::throw_unless_ok(mobula::runtime::wait_group(id_, std::int64_t{timeout_seconds} * 1000, &ready));
    return ready;
  }
  // Replaces what Wait does. The name is Ray's.
  void SetWaitCallbak(std::function<bool(const std::string &, int)> callback) { callback_ = std::move(callback); }

 private:
  std::string id_;
  PlacementGroupCreationOptions options_{{}, {}, PlacementStrategy::UNRECOGNIZED};
  PlacementGroupState state_ = PlacementGroupState::UNRECOGNIZED;
  std::function<bool(const std::string &, int)> callback_;
};

namespace internal {

inline PlacementGroup to_placement_group(const mobula::runtime::Group &group) {
  if (group.id.empty()) return {};
  PlacementGroupCreationOptions options{group.name, {}, static_cast<PlacementStrategy>(group.strategy)};
  for (const std::vector<mobula::runtime::Resource> &bundle : group.bundles) {
    auto &resources = options.bundles.emplace_back();
    for (const mobula::runtime::Resource &resource : bundle) resources.emplace(resource.name, resource.quantity);
  }
  return {group.id, std::move(options), static_cast<PlacementGroupState>(group.state)};
}

inline mobula::runtime::Group to_group(const PlacementGroupCreationOptions &options) {
  const auto strategy = static_cast<std::int32_t>(options.strategy);
  if (strategy < 0 || strategy > static_cast<std::int32_t>(PlacementStrategy::STRICT_SPREAD)) {
    throw RayException("A placement group's strategy is PACK, SPREAD, STRICT_PACK or STRICT_SPREAD.");
  }
  mobula::runtime::Group group;
  group.name = options.name;
  group.strategy = static_cast<mobula::runtime::GroupStrategy>(strategy);
  for (const auto &bundle : options.bundles) {
    auto &resources = group.bundles.emplace_back();
    for (const auto &[name, quantity] : bundle) resources.push_back({name, quantity});
  }
  return group;
}

// The bundle that a task or actor may name: -1 = any. REQUIRES: the group is not empty.
inline void check_bundle_index(const PlacementGroup &group, int bundle_index) {
  const std::size_t count = group.GetBundles().size();
  if (bundle_index >= -1 && bundle_index < static_cast<int>(count)) return;
  throw RayException("The bundle index " + std::to_string(bundle_index) + " is not one of the placement group's " +
                     std::to_string(count) + " bundles (-1 = any).");
}

}  // namespace internal

// Reserves the bundles as soon as there is room for all of them; Wait tells when.
inline PlacementGroup CreatePlacementGroup(const PlacementGroupCreationOptions &create_options) {
  mobula::runtime::Group created;
  internal::throw_unless_ok(mobula::runtime::create_group(internal::to_group(create_options), &created));
  return internal::to_placement_group(created);
}

// Gives the resources back. Does nothing when there is no such group.
inline void RemovePlacementGroup(const std::string &placement_group_id) {
  internal::throw_unless_ok(mobula::runtime::remove_group(placement_group_id));
}

// Those of the session, the removed ones as well.
inline std::vector<PlacementGroup> GetAllPlacementGroups() {
  std::vector<mobula::runtime::Group> groups;
  internal::throw_unless_ok(mobula::runtime::all_groups(&groups));
  std::vector<PlacementGroup> all;
  for (const mobula::runtime::Group &group : groups) all.push_back(internal::to_placement_group(group));
  return all;
}

// Empty() when there is none.
inline PlacementGroup GetPlacementGroupById(const std::string &id) {
  mobula::runtime::Group group;
  internal::throw_unless_ok(mobula::runtime::find_group(id, &group));
  return internal::to_placement_group(group);
}
inline PlacementGroup GetPlacementGroup(const std::string &name) {
  mobula::runtime::Group group;
  internal::throw_unless_ok(mobula::runtime::find_group_by_name(name, &group));
  return internal::to_placement_group(group);
}

}  // namespace ray
