#include "tasks/resource_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>

namespace mobula::tasks {
namespace {

bool covers(const Quantities &available, const Quantities &request) {
  return std::all_of(request.begin(), request.end(),
                     [&](const auto &one) { return units_of(available, one.first) >= one.second; });
}

bool share_a_name(const Quantities &one, const Quantities &other) {
  return std::any_of(one.begin(), one.end(), [&](const auto &named) { return other.contains(named.first); });
}

std::string no_bundle_text(const Asked &asked, const PlacementGroup &group) {
  std::string bundles;
  for (const Quantities &bundle : group.request.bundles) {
    bundles += fmt::format("{}{{{}}}", bundles.empty() ? "" : ", ", text_of(bundle));
  }
  const std::string which = asked.bundle < 0 ? "any bundle" : fmt::format("bundle {}", asked.bundle);
  return fmt::format("asked: {} in {} of a placement group; its bundles: {}", text_of(asked.request), which, bundles);
}

}  // namespace

std::string ResourceGate::refusal(const Asked &asked) const {
  if (asked.group == 0) return session_.feasible(asked.request) ? "" : session_.infeasible_text(asked.request);
  const PlacementGroup *const group = groups_.find(asked.group);
  if (group == nullptr) return "there is no such placement group";
  if (group->state == GroupState::kRemoved) return "the placement group was removed";
  const std::vector<Quantities> &bundles = group->request.bundles;
  const auto covers_it = [&](const Quantities &bundle) { return covers(bundle, asked.request); };
  const bool there = asked.bundle < 0 ? std::any_of(bundles.begin(), bundles.end(), covers_it)
                                      : static_cast<std::size_t>(asked.bundle) < bundles.size() &&
                                            covers_it(bundles[static_cast<std::size_t>(asked.bundle)]);
  return there ? groups_.infeasible_text(asked.group) : no_bundle_text(asked, *group);
}

// --- events ----------------------------------------------------------------------------------------------------------

void ResourceGate::add(TaskNumber number, Asked asked, std::uint32_t unsettled) {
  Member &member = members_[number];
  member.asked = std::move(asked);
  member.unsettled = unsettled;
  if (unsettled == 0)
    enqueue(number, member);
  else
    ++unsettled_;
}

void ResourceGate::object_settled(TaskNumber number) {
  const auto found = members_.find(number);
  if (found == members_.end() || found->second.stage != Stage::kUnsettled) return;
  if (--found->second.unsettled > 0) return;
  --unsettled_;
  enqueue(number, found->second);
}

void ResourceGate::enqueue(TaskNumber number, Member &member) {
  member.sequence = ++last_sequence_;
  member.stage = Stage::kWaiting;
  lines_[key_of(member.asked)].waiting.emplace(member.sequence, number);
  changed_ = true;
}

void ResourceGate::leave_line(const Member &member) {
  const auto line = lines_.find(key_of(member.asked));
  if (line->second.waiting.begin()->first == member.sequence) line->second.passed_over = 0;
  line->second.waiting.erase(member.sequence);
  if (line->second.waiting.empty()) lines_.erase(line);
}

Resources *ResourceGate::ledger_of(const Member &member) {
  return member.asked.group == 0 ? &session_ : groups_.bundle(member.asked.group, member.bundle);
}

void ResourceGate::give_back(Member &member) {
  ledger_of(member)->release(member.grant);
  blocked_ -= member.blocked ? 1 : 0;
  running_ -= member.blocked || member.asked.lasts ? 0 : 1;
}

void ResourceGate::remove(TaskNumber number) {
  const auto found = members_.find(number);
  if (found == members_.end()) return;
  if (found->second.stage == Stage::kUnsettled) --unsettled_;
  if (found->second.stage == Stage::kWaiting) leave_line(found->second);
  if (found->second.stage == Stage::kAdmitted) give_back(found->second);
  members_.erase(found);
  changed_ = true;
}

void ResourceGate::set_blocked(TaskNumber number, bool blocked) {
  const auto found = members_.find(number);
  if (found == members_.end() || found->second.stage != Stage::kAdmitted || found->second.blocked == blocked) return;
  Member &member = found->second;
  member.blocked = blocked;
  if (blocked) {
    ledger_of(member)->lend_cpu(&member.grant);
    ++blocked_;
    running_ -= member.asked.lasts ? 0 : 1;
  } else {
    ledger_of(member)->take_cpu_back(&member.grant);
    --blocked_;
    running_ += member.asked.lasts ? 0 : 1;
  }
  changed_ = true;
}

// --- admission -------------------------------------------------------------------------------------------------------

bool ResourceGate::take(Member &member) {
  const auto from = [&](std::size_t bundle) {
    member.bundle = bundle;
    Resources *const ledger = ledger_of(member);
    std::optional<Grant> grant = ledger == nullptr ? std::nullopt : ledger->acquire(member.asked.request);
    if (grant) member.grant = std::move(*grant);
    return grant.has_value();
  };
  if (member.asked.group == 0) return from(0);
  if (member.asked.bundle >= 0) return from(static_cast<std::size_t>(member.asked.bundle));
  const std::size_t count = groups_.find(member.asked.group)->ledgers.size();
  for (std::size_t bundle = 0; bundle < count; ++bundle) {
    if (from(bundle)) return true;
  }
  return false;
}

struct ResourceGate::YoungerLast {
  bool operator()(const Head &one, const Head &other) const { return one.sequence > other.sequence; }
};

std::vector<ResourceGate::Head> ResourceGate::heads() {
  std::vector<Head> all;
  for (auto &[key, line] : lines_) {
    all.push_back({line.waiting.begin()->first, std::get<0>(key), &std::get<2>(key), &line.passed_over, &key});
  }
  for (auto &[sequence, group] : pending_groups_) {
    all.push_back({sequence, 0, &groups_.find(group.number)->sum, &group.passed_over, nullptr});
  }
  return all;
}

// What those keep that may stay for ever.
Quantities ResourceGate::lasting(GroupNumber ledger) const {
  Quantities sum;
  const auto add = [&sum](const Quantities &more) {
    for (const auto &[name, units] : more) sum[name] += units;
  };
  for (const auto &[number, member] : members_) {
    if (member.stage == Stage::kAdmitted && member.asked.lasts && member.asked.group == ledger)
      add(member.asked.request);
  }
  if (ledger != 0) return sum;
  for (const PlacementGroup *group : groups_.all()) {
    if (group->state == GroupState::kCreated) add(group->sum);
  }
  return sum;
}

bool ResourceGate::is_urgent(const Head &head) const {
  if (*head.passed_over < kPassedOverMax || blocked_ > 0) return false;
  Quantities available = head.ledger == 0 ? session_.totals() : groups_.find(head.ledger)->sum;
  for (const auto &[name, units] : lasting(head.ledger)) available[name] -= units;
  return covers(available, *head.request);
}

// True: it has what it asked for.
bool ResourceGate::serve(const Head &head, std::vector<TaskNumber> *admitted) {
  if (head.line == nullptr) return groups_.place(pending_groups_.at(head.sequence).number);
  const TaskNumber number = lines_.at(*head.line).waiting.begin()->second;
  Member &member = members_.at(number);
  if (!take(member)) return false;
  member.stage = Stage::kAdmitted;
  running_ += member.asked.lasts ? 0 : 1;
  admitted->push_back(number);
  return true;
}

// Takes the served head off. False: nobody follows.
bool ResourceGate::next_head(Head *head) {
  if (head->line == nullptr) pending_groups_.erase(head->sequence);
  if (head->line == nullptr) return false;
  const auto line = lines_.find(*head->line);
  line->second.waiting.erase(line->second.waiting.begin());
  line->second.passed_over = 0;
  if (line->second.waiting.empty()) {
    lines_.erase(line);
    return false;
  }
  head->sequence = line->second.waiting.begin()->first;
  return true;
}

// The oldest first. What does not fit is passed over; nothing becomes free meanwhile, but for the bundles of a group
// that is placed: its tasks are looked at again.
std::vector<TaskNumber> ResourceGate::admit() {
  std::vector<TaskNumber> admitted;
  while (std::exchange(changed_, false)) {
    std::vector<Head> passed_over;
    std::vector<Head> urgent;
    const std::vector<Head> all = heads();
    std::priority_queue<Head, std::vector<Head>, YoungerLast> open(YoungerLast{}, all);
    while (!open.empty()) {
      Head head = open.top();
      open.pop();
      const auto stands_before = [&](const Head &other) {
        return other.ledger == head.ledger && share_a_name(*other.request, *head.request);
      };
      if (std::any_of(urgent.begin(), urgent.end(), stands_before) || !serve(head, &admitted)) {
        passed_over.push_back(head);
        if (is_urgent(head)) urgent.push_back(head);
        continue;
      }
      for (const Head &other : passed_over) *other.passed_over += stands_before(other) ? 1 : 0;
      changed_ |= head.line == nullptr;
      if (next_head(&head)) open.push(head);
    }
  }
  return admitted;
}

std::vector<TaskNumber> ResourceGate::holders_before(TaskNumber number) const {
  std::vector<TaskNumber> holders;
  const auto found = members_.find(number);
  if (found == members_.end() || found->second.stage != Stage::kWaiting || found->second.asked.group != 0)
    return holders;
  Quantities lacking;
  for (const auto &[name, units] : found->second.asked.request) {
    if (session_.free_units(name) < units) lacking[name] = units - session_.free_units(name);
  }
  for (const PlacementGroup *group : groups_.all()) {
    if (group->state == GroupState::kCreated && share_a_name(group->sum, lacking)) return holders;
  }
  for (const auto &[other, member] : members_) {
    if (member.stage != Stage::kAdmitted || member.asked.group != 0) continue;
    Quantities held = member.grant.quantities;
    if (member.blocked) held.erase(std::string(kCpu));
    if (share_a_name(held, lacking)) holders.push_back(other);
  }
  std::sort(holders.begin(), holders.end());
  return holders;
}

const Grant *ResourceGate::grant_of(TaskNumber number) const {
  const auto found = members_.find(number);
  return found == members_.end() || found->second.stage != Stage::kAdmitted ? nullptr : &found->second.grant;
}

std::uint32_t ResourceGate::slots(std::uint32_t count) const {
  const std::int64_t used = (session_.used_units(kCpu) + kUnitsPerOne - 1) / kUnitsPerOne;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(1, std::int64_t{count} - used + running_));
}

// --- groups ----------------------------------------------------------------------------------------------------------

GroupNumber ResourceGate::create_group(GroupRequest request, std::string *why) {
  const GroupNumber number = groups_.create(std::move(request), why);
  if (number == 0 || !groups_.infeasible_text(number).empty()) return number;
  pending_groups_.emplace(++last_sequence_, PendingGroup{number, 0});
  changed_ = true;
  return number;
}

ResourceGate::Users ResourceGate::remove_group(GroupNumber number) {
  Users users;
  for (const auto &[task, member] : members_) {
    if (member.asked.group != number) continue;
    (member.stage == Stage::kAdmitted ? users.admitted : users.waiting).push_back(task);
  }
  for (std::vector<TaskNumber> *list : {&users.waiting, &users.admitted}) {
    std::sort(list->begin(), list->end());
    for (const TaskNumber task : *list) remove(task);
  }
  std::erase_if(pending_groups_, [&](const auto &one) { return one.second.number == number; });
  changed_ |= groups_.remove(number);
  return users;
}

}  // namespace mobula::tasks
