// mobula/runtime_groups.h: placement groups: bundles of resources that are reserved together.
//   Threads    every function may be called by any thread
//   Process    acts for the process that called init(); groups belong to the job that made them
//   Errors     conditions come back as a Status (null = success)
//   Cost       each a question to the raylet
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
  std::string id;  // "" = no such group
  std::string name;
  std::vector<std::vector<Resource>> bundles;
  GroupStrategy strategy = GroupStrategy::kPack;
  GroupState state = GroupState::kPending;
};

// Reserves the bundles as soon as there is room for all. kInvalidArgument: the name is taken, or a bundle is empty.
MOBULA_EXPORT Status create_group(const Group &wanted, Group *created);
// Gives them back; tasks that wait for them fail. Idempotent.
MOBULA_EXPORT Status remove_group(std::string_view id);
MOBULA_EXPORT Status find_group(std::string_view id, Group *group);
MOBULA_EXPORT Status find_group_by_name(std::string_view name, Group *group);
MOBULA_EXPORT Status all_groups(std::vector<Group> *groups);
// `*ready`: false when the time is over. kUnschedulable: it can never be placed, naming what was asked and what there
// is.
MOBULA_EXPORT Status wait_group(std::string_view id, std::int64_t timeout_ms, bool *ready);

}  // namespace mobula::runtime
