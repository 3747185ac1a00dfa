// What tasks and actors ask for: they wait for it before the scheduler offers them, and give it back when they end.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "raylet/tasks.h"
#include "tasks/task_spec.h"

namespace mobula::raylet {

using refs::ObjectName;

namespace {

// The object that a task waits for until the gate lets it in. No entry has such a number.
constexpr tasks::ObjectKey key_of(tasks::TaskNumber number) { return 1ull << 63 | number; }

// A task that names no CPU takes one, as one that asks for nothing does; an actor takes none.
tasks::Quantities request_of(const runtime::TaskOptions &options, bool is_actor, std::string *why) {
  std::vector<std::pair<std::string, double>> named;
  bool names_cpu = is_actor;
  for (const runtime::Resource &one : options.resources) {
    names_cpu |= one.name == tasks::kCpu;
    named.emplace_back(one.name, one.quantity);
  }
  if (!names_cpu) named.emplace_back(tasks::kCpu, 1);
  return tasks::read_quantities(named, why).value_or(tasks::Quantities{});
}

}  // namespace

std::string group_id(tasks::GroupNumber number) { return fmt::format("{:016x}", number); }

tasks::GroupNumber group_number(std::string_view id) {
  tasks::GroupNumber number = 0;
  const auto [end, code] = std::from_chars(id.data(), id.data() + id.size(), number, 16);
  return code == std::errc() && end == id.data() + id.size() ? number : 0;
}

// A verdict with words of its own, which lie in an object that it names as its cause.
segment::Verdict Tasks::worded_verdict(Code code, std::string text, std::uint64_t function) {
  segment::Verdict verdict = plain_verdict(code);
  verdict.function = function;
  Error error;
  error.code = code;
  error.message = std::move(text);
  const std::optional<ObjectName> words = store_.seal_error(tasks::encode_error(error));
  if (!words) return verdict;
  verdict.cause_entry = words->entry;
  verdict.cause_generation = words->generation;
  return verdict;
}

// False: it asks for nothing but what every task gets, so the scheduler may have it at once.
bool Tasks::asks_for_resources(const Task &task, const tasks::TaskSpec &spec) {
  if (!spec.options || (spec.options->resources.empty() && spec.options->placement_group.empty())) return false;
  const std::vector<runtime::Resource> &resources = spec.options->resources;
  const bool is_usual = !task.is_creation && spec.options->placement_group.empty() && resources.size() == 1 &&
                        resources[0].name == tasks::kCpu && resources[0].quantity == 1;
  return !is_usual;
}

// True: it waits for what it asks for, beside `unsettled`, which gets one more. False: it has failed.
bool Tasks::wait_for_resources(Task &task, const tasks::TaskSpec &spec, std::vector<tasks::ObjectKey> *unsettled) {
  const runtime::TaskOptions &options = *spec.options;
  std::string why;
  tasks::Asked asked;
  asked.request = request_of(options, task.is_creation, &why);
  asked.group = options.placement_group.empty() ? 0 : group_number(options.placement_group);
  asked.bundle = options.bundle;
  asked.lasts = task.is_creation;
  const std::uint64_t number = task.number;
  if (!why.empty()) {
    fail_task(number, worded_verdict(Code::kInvalidArgument, why, task.function));
    return false;
  }
  why =
      asked.group == 0 && !options.placement_group.empty() ? "there is no such placement group" : gate_.refusal(asked);
  if (!why.empty()) {
    fail_task(number, worded_verdict(Code::kUnschedulable, "it can never run: " + why, task.function));
    return false;
  }
  std::sort(unsettled->begin(), unsettled->end());
  unsettled->erase(std::unique(unsettled->begin(), unsettled->end()), unsettled->end());
  gate_.add(number, std::move(asked), static_cast<std::uint32_t>(unsettled->size()));
  unsettled->push_back(key_of(number));
  task.is_gated = true;
  return true;
}

void Tasks::tell_gate(const ObjectName &settled) {
  if (!gate_.awaits_objects()) return;
  for (const tasks::TaskNumber number : scheduler_.waiting_on(settled.entry)) gate_.object_settled(number);
}

// Lets those in whose turn it is. What takes more than one CPU goes first: its slots are kept free for it from now on.
void Tasks::admit() {
  for (const tasks::TaskNumber number : gate_.admit()) {
    const bool is_large = tasks::units_of(gate_.grant_of(number)->quantities, tasks::kCpu) > tasks::kUnitsPerOne;
    scheduler_.object_settled(key_of(number), is_large);
  }
  scheduler_.set_slots(gate_.slots(slots_count_));
  if (!group_waiters_.empty()) answer_group_waiters();
}

// The task that runs at the worker, if it asked for resources; an actor has them as a whole.
void Tasks::lend_resources(const Client &worker, bool blocked) {
  if (gate_.is_empty()) return;
  if (worker.actor != 0) return gate_.set_blocked(worker.actor, blocked);
  for (const std::uint64_t number : worker.offered) {
    const Task *const task = find(number);
    if (task != nullptr && task->is_gated && is_running_at(*task, worker)) gate_.set_blocked(number, blocked);
  }
}

std::uint64_t Tasks::devices_of(const Task &task) const {
  if (gate_.is_empty()) return 0;
  const tasks::Grant *const grant = gate_.grant_of(task.is_creation ? task.actor : task.number);
  return grant == nullptr ? 0 : grant->device_bits();
}

// --- placement groups ------------------------------------------------------------------------------------------------

Status Tasks::create_group(tasks::GroupRequest request, tasks::GroupNumber *number) {
  std::string why;
  *number = gate_.create_group(std::move(request), &why);
  admit();
  return *number == 0 ? base::failure(Code::kInvalidArgument, why) : nullptr;
}

void Tasks::remove_group(tasks::GroupNumber number) {
  const tasks::ResourceGate::Users users = gate_.remove_group(number);
  const auto end = [this](tasks::TaskNumber user) {
    const auto actor = actor_records_.find(user);
    if (actor != actor_records_.end())
      return end_actor(actor->second, ended_verdict(segment::Ending::kGroupRemoved), false);
    if (Task *const task = find(user)) stop_task(*task, Code::kUnschedulable, true);
  };
  for (const tasks::TaskNumber user : users.waiting) end(user);
  for (const tasks::TaskNumber user : users.admitted) end(user);
  admit();
}

Status Tasks::wait_for_group(tasks::GroupNumber number, const Client &client, const ObjectName &object) {
  if (!owns_new_result(client, object)) return base::failure(Code::kInvalidArgument, "no pending object to wait with");
  const tasks::PlacementGroup *const group = gate_.groups().find(number);
  const bool is_living = group != nullptr && group->state != tasks::GroupState::kRemoved;
  const std::string why = is_living ? gate_.groups().infeasible_text(number) : "";
  const bool is_waiting = is_living && why.empty() && store_.add_ref(object);
  if (is_waiting) group_waiters_.push_back({number, object});
  if (!is_waiting) store_.fail(object, plain_verdict(Code::kUnschedulable));
  answer_group_waiters();
  return why.empty() ? nullptr : base::failure(Code::kUnschedulable, "the placement group can never be placed: " + why);
}

void Tasks::answer_group_waiters() {
  std::erase_if(group_waiters_, [this](const GroupWaiter &waiter) {
    const tasks::PlacementGroup *const group = gate_.groups().find(waiter.group);
    if (group != nullptr && group->state == tasks::GroupState::kPending) return false;
    const bool is_created = group != nullptr && group->state == tasks::GroupState::kCreated;
    store_.fail(waiter.object, plain_verdict(is_created ? Code::kOk : Code::kUnschedulable));
    store_.drop_ref(waiter.object);
    return true;
  });
}

}  // namespace mobula::raylet
