#include "tasks/placement_groups.h"

#include <fmt/format.h>

#include <algorithm>

namespace mobula::tasks {
namespace {

std::string complaint(const GroupRequest &request) {
  if (request.bundles.empty()) return "a placement group needs at least one bundle";
  if (request.bundles.size() > kBundlesMax)
    return fmt::format("more than {} bundles in a placement group", kBundlesMax);
  const bool any_empty = std::any_of(request.bundles.begin(), request.bundles.end(),
                                     [](const Quantities &bundle) { return bundle.empty(); });
  return any_empty ? "a bundle of a placement group asks for nothing" : "";
}

}  // namespace

GroupNumber PlacementGroups::create(GroupRequest request, std::string *why) {
  *why = complaint(request);
  const PlacementGroup *const same = request.name.empty() ? nullptr : find_by_name(request.name);
  if (why->empty() && same != nullptr && same->state != GroupState::kRemoved) {
    *why = fmt::format("a placement group of the name {} is there already", request.name);
  }
  if (why->empty() && groups_.size() - removed_.size() >= kLivingGroupsMax) {
    *why = fmt::format("the session has its limit of {} placement groups", kLivingGroupsMax);
  }
  if (!why->empty()) return 0;
  PlacementGroup group;
  group.number = ++last_;
  for (const Quantities &bundle : request.bundles) {
    for (const auto &[name, units] : bundle) group.sum[name] += units;
  }
  if (!request.name.empty()) names_[request.name] = group.number;
  group.request = std::move(request);
  groups_.emplace(last_, std::move(group));
  return last_;
}

std::string PlacementGroups::infeasible_text(GroupNumber number) const {
  const PlacementGroup &group = groups_.at(number);
  const std::size_t count = group.request.bundles.size();
  if (group.request.strategy == GroupStrategy::kStrictSpread && count > 1) {
    return fmt::format("asked: {} bundles on a machine each (STRICT_SPREAD); the session has: one machine", count);
  }
  // Placed alone in an empty session: parts of devices may not fit although their sum does.
  Resources empty(session_.totals());
  const bool fits = std::all_of(group.request.bundles.begin(), group.request.bundles.end(),
                                [&](const Quantities &bundle) { return empty.acquire(bundle).has_value(); });
  return fits ? "" : session_.infeasible_text(group.sum);
}

bool PlacementGroups::acquire_all(PlacementGroup &group) {
  for (const Quantities &bundle : group.request.bundles) {
    std::optional<Grant> grant = session_.acquire(bundle);
    if (!grant) break;
    group.grants.push_back(std::move(*grant));
  }
  if (group.grants.size() == group.request.bundles.size()) return true;
  for (const Grant &grant : group.grants) session_.release(grant);
  group.grants.clear();
  return false;
}

bool PlacementGroups::place(GroupNumber number) {
  const auto found = groups_.find(number);
  if (found == groups_.end() || found->second.state != GroupState::kPending) {
    return found != groups_.end() && found->second.state == GroupState::kCreated;
  }
  PlacementGroup &group = found->second;
  const bool on_one_machine =
      group.request.strategy != GroupStrategy::kStrictSpread || group.request.bundles.size() == 1;
  if (!on_one_machine || !acquire_all(group)) return false;
  for (const Grant &grant : group.grants) group.ledgers.emplace_back(grant);
  group.state = GroupState::kCreated;
  return true;
}

bool PlacementGroups::remove(GroupNumber number) {
  const auto found = groups_.find(number);
  if (found == groups_.end() || found->second.state == GroupState::kRemoved) return false;
  PlacementGroup &group = found->second;
  for (const Grant &grant : group.grants) session_.release(grant);
  group.grants.clear();
  group.ledgers.clear();
  group.state = GroupState::kRemoved;
  removed_.push_back(number);
  if (removed_.size() <= kRemovedGroupsMax) return true;
  const auto oldest = groups_.find(removed_.front());
  const auto name = names_.find(oldest->second.request.name);
  if (name != names_.end() && name->second == oldest->first) names_.erase(name);
  groups_.erase(oldest);
  removed_.pop_front();
  return true;
}

const PlacementGroup *PlacementGroups::find(GroupNumber number) const {
  const auto found = groups_.find(number);
  return found == groups_.end() ? nullptr : &found->second;
}

const PlacementGroup *PlacementGroups::find_by_name(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : find(found->second);
}

std::vector<const PlacementGroup *> PlacementGroups::all() const {
  std::vector<const PlacementGroup *> every;
  every.reserve(groups_.size());
  for (const auto &[number, group] : groups_) every.push_back(&group);
  return every;
}

std::vector<GroupNumber> PlacementGroups::of_job(std::uint32_t job) const {
  std::vector<GroupNumber> numbers;
  for (const auto &[number, group] : groups_) {
    if (group.request.job == job && group.state != GroupState::kRemoved) numbers.push_back(number);
  }
  return numbers;
}

Resources *PlacementGroups::bundle(GroupNumber number, std::size_t index) {
  const auto found = groups_.find(number);
  if (found == groups_.end() || index >= found->second.ledgers.size()) return nullptr;
  return &found->second.ledgers[index];
}

}  // namespace mobula::tasks
