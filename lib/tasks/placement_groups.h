// tasks/placement_groups.h: bundles of resources that are reserved together, on the session's one machine.
//   Layout     a group's bundles come out of the session's ledger; each is then a ledger of its own
//   Threads    thread-bound, pure
//   Ownership  numbers are never reused. A removed group is remembered, the latest kRemovedGroupsMax of them
//   Errors     a condition as a text for people
//   Cost       O(bundles of the group); by name O(log groups)
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/resources.h"

namespace mobula::tasks {

using GroupNumber = std::uint64_t;  // 0: none

// On one machine kPack, kSpread and kStrictPack are the same; kStrictSpread asks for a machine each.
enum class GroupStrategy : std::int32_t { kPack = 0, kSpread = 1, kStrictPack = 2, kStrictSpread = 3 };
enum class GroupState : std::int32_t { kPending = 0, kCreated = 2, kRemoved = 3 };

constexpr std::size_t kLivingGroupsMax = 4096;
constexpr std::size_t kRemovedGroupsMax = 1024;
constexpr std::size_t kBundlesMax = 1024;  // of one group

struct GroupRequest {
  std::string name;  // "": none
  std::uint32_t job = 0;
  std::vector<Quantities> bundles;
  GroupStrategy strategy = GroupStrategy::kPack;
};

struct PlacementGroup {
  GroupNumber number = 0;
  GroupRequest request;
  GroupState state = GroupState::kPending;
  Quantities sum;                  // of all bundles
  std::vector<Grant> grants;       // of its bundles, from the session; empty while it is not created
  std::vector<Resources> ledgers;  // one for each bundle
};

class PlacementGroups {
 public:
  explicit PlacementGroups(Resources &session) : session_(session) {}

  // A pending group. 0, and a text: no bundle or an empty one, a name that a living group has, a limit.
  GroupNumber create(GroupRequest request, std::string *why);
  // Reserves its bundles if all of them fit now. True: it is created (just now or before).
  bool place(GroupNumber number);
  // Its bundles are free again, whoever still uses them. False: it was no living group.
  bool remove(GroupNumber number);

  // "" if it can be placed one day, else why not. REQUIRES: known.
  [[nodiscard]] std::string infeasible_text(GroupNumber number) const;

  // Null when unknown, or forgotten since its removal.
  [[nodiscard]] const PlacementGroup *find(GroupNumber number) const;
  // The living group of that name, else the last one that had it.
  [[nodiscard]] const PlacementGroup *find_by_name(std::string_view name) const;
  // Living ones and those remembered, in order of their creation.
  [[nodiscard]] std::vector<const PlacementGroup *> all() const;
  [[nodiscard]] std::vector<GroupNumber> of_job(std::uint32_t job) const;

  // The ledger of a bundle of a created group; null otherwise.
  Resources *bundle(GroupNumber number, std::size_t index);

 private:
  bool acquire_all(PlacementGroup &group);

  Resources &session_;
  std::map<GroupNumber, PlacementGroup> groups_;
  std::map<std::string, GroupNumber, std::less<>> names_;  // of the last group that had it
  std::deque<GroupNumber> removed_;                        // the oldest first
  GroupNumber last_ = 0;
};

}  // namespace mobula::tasks
