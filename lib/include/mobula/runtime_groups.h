// mobula/runtime_groups.h: the untyped functions under ray::PlacementGroup.
//   Threads    every function may be called by any thread
//   Errors     conditions come back as a Status (null = success)
//   Cost       a question to the raylet each
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mobula/runtime.h"

namespace mobula::runtime {

enum class GroupStrategy : std::int32_t { kPack = 0, kSpread = 1, kStrictPack = 2, kStrictSpread = 3 };
enum class GroupState : std::int32_t { kPending = 0, kPrepared = 1, kCreated = 2, kRemoved = 3, kRescheduling = 4 };

struct Group {
  std::string id;  // "" when unknown
  std::string name;
  std::vector<std::vector<Resource>> bundles;
  GroupStrategy strategy = GroupStrategy::kPack;
  GroupState state = GroupState::kPending;
};

// Reserves the bundles as soon as all of them fit; until then the group is pending. It ends with the job at the latest.
// kInvalidArgument: the name belongs to a living group, a bundle asks for nothing, or there is none.
MOBULA_EXPORT Status create_group(const Group &wanted, Group *created);
// The bundles are free again; tasks and actors of the group end. Nothing happens when there is no such group.
MOBULA_EXPORT Status remove_group(std::string_view id);
// `*group = {}` when there is none. Removed ones are remembered for a while.
MOBULA_EXPORT Status find_group(std::string_view id, Group *group);
MOBULA_EXPORT Status find_group_by_name(std::string_view name, Group *group);
MOBULA_EXPORT Status all_groups(std::vector<Group> *groups);
// Waits until the group is created. `*ready` is false when the time is over first, or there is no such group.
// kUnschedulable: it can never be placed; the message names what was asked and what there is.
MOBULA_EXPORT Status wait_group(std::string_view id, std::int64_t timeout_ms, bool *ready);

}  // namespace mobula::runtime
