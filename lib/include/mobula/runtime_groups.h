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
  std::string id;    // hex or raw; "" when unknown
  std::string name;
  std::vector<std::vector<Resource>> bundles;
  GroupStrategy strategy = GroupStrategy::kPack;
  GroupState state = GroupState::kPending;
};
MOBULA_EXPORT Status create_group(const Group &wanted, Group *created);   // kInvalidArgument: duplicate name, empty bundle; kUnschedulable never here: it stays kPending as in Ray
MOBULA_EXPORT Status remove_group(std::string_view id);                    // idempotent
MOBULA_EXPORT Status find_group(std::string_view id, Group *group);        // *group = {} when none
MOBULA_EXPORT Status find_group_by_name(std::string_view name, Group *group);
MOBULA_EXPORT Status all_groups(std::vector<Group> *groups);
MOBULA_EXPORT Status wait_group(std::string_view id, std::int64_t timeout_ms, bool *ready);  // false when time is over; a group that can never be placed: kUnschedulable, naming what was asked and what there is
}
