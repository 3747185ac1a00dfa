// Tasks that wait for each other, so that none of them will ever go on: found when the last of them begins to wait.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "raylet/tasks.h"

namespace mobula::raylet {
namespace {

constexpr tasks::TaskNumber kNobodyKnown = 0;  // goes on some day, for all that we know

bool is_entry_key(tasks::ObjectKey key) { return key < base::kEntriesMax; }

}  // namespace

using refs::ObjectName;
using tasks::Wait;
using tasks::WaitReason;

// The task that the worker runs. Calls that run side by side never say that they wait, so here there is one.
Tasks::Task *Tasks::running_at(const Client &worker) {
  for (const std::uint64_t number : worker.offered) {
    Task *const task = find(number);
    if (task != nullptr && is_running_at(*task, worker)) return task;
  }
  return nullptr;
}

// What is settled is not waited for any more.
Wait Tasks::wait_for(WaitReason reason, std::span<const ObjectName> names, std::size_t needed) const {
  Wait wait{reason, {}, needed};
  for (const ObjectName &name : names) {
    const bool is_open = store_.is_named(name) && !refs::is_settled(store_.word_of(name.entry));
    if (is_open)
      wait.tasks.push_back(store_.index()[name.entry].task);
    else
      wait.needed -= wait.needed > 0 ? 1 : 0;
  }
  return wait;
}

std::vector<Wait> Tasks::waits_of(tasks::TaskNumber number) {
  Task *const task = find(number);
  if (task == nullptr || task->ending || refs::is_settled(store_.word_of(task->names.result.entry))) return {};
  const Client *const worker = worker_with(*task);
  if (worker != nullptr && is_running_at(*task, *worker)) {
    if (!worker->blocked || worker->awaited.count == 0) return {};
    return {wait_for(WaitReason::kResult, std::span(worker->awaited.names).first(worker->awaited.count),
                     worker->awaited.needed)};
  }
  return task->actor != 0 && !task->is_creation ? waits_of_call(*task) : waits_of_queued(*task);
}

std::vector<Wait> Tasks::waits_of_call(const Task &task) {
  std::vector<Wait> waits{wait_for(WaitReason::kArgument, task.awaited, task.awaited.size())};
  const auto actor = actor_records_.find(task.actor);
  if (actor == actor_records_.end() || actor->second.is_dead) return {};
  if (actor->second.creation_task != 0) waits.push_back({WaitReason::kQueue, {actor->second.creation_task}, 1});
  const Client *const worker = clients_.find_living(actor->second.worker);
  const Task *const before = worker == nullptr ? nullptr : running_at(*worker);
  if (before != nullptr) waits.push_back({WaitReason::kQueue, {before->number}, 1});
  return waits;
}

std::vector<Wait> Tasks::waits_of_queued(const Task &task) {
  Wait arguments{WaitReason::kArgument, {}, 0};
  for (const tasks::ObjectKey key : scheduler_.awaited_by(task.number)) {
    if (is_entry_key(key)) arguments.tasks.push_back(store_.index()[static_cast<std::uint32_t>(key)].task);
  }
  arguments.needed = arguments.tasks.size();
  std::vector<Wait> waits{std::move(arguments)};
  std::vector<tasks::TaskNumber> holders = gate_.holders_before(task.number);
  if (!holders.empty()) waits.push_back({WaitReason::kResource, std::move(holders), 1});
  return waits;
}

std::string Tasks::describe(tasks::TaskNumber number) {
  const Task *const task = find(number);
  if (task == nullptr) return "a task";
  std::string name = edge_.function_name ? edge_.function_name(task->function) : "";
  if (name.empty()) name = "of an unknown function";
  const std::string_view kind = task->is_creation ? "actor's factory" : task->actor != 0 ? "actor call" : "task";
  const Client *const worker = worker_with(*task);
  const bool is_running = worker != nullptr && is_running_at(*task, *worker);
  return is_running ? fmt::format("{} {} (pid {})", kind, name, worker->pid) : fmt::format("{} {}", kind, name);
}

void Tasks::look_for_deadlock(Client &worker) {
  Task *const task = running_at(worker);
  if (task == nullptr) return;
  tasks::WaitGraph graph(
      [this](tasks::TaskNumber number) { return number == kNobodyKnown ? std::vector<Wait>{} : waits_of(number); });
  const std::vector<tasks::WaitStep> cycle = graph.cycle_of(task->number);
  if (cycle.empty()) return;
  std::string text = tasks::deadlock_text(cycle, [this](tasks::TaskNumber number) { return describe(number); });
  spdlog::warn("{}", text);
  if (edge_.deadlocks_warn_only) return;
  // What the last one waits for fails, so its wait ends, and with it the circle.
  if (Task *const awaited = find(cycle[1 % cycle.size()].task)) fail_in_deadlock(*awaited, std::move(text));
}

void Tasks::fail_in_deadlock(Task &task, std::string text) {
  const segment::Verdict verdict = worded_verdict(Code::kDeadlock, std::move(text), 0);
  Client *const worker = worker_with(task);
  if (worker == nullptr || withdraw(task, *worker)) return fail_task(task.number, verdict);
  const ObjectName result = task.names.result;
  if (verdict.cause_entry != segment::kNoEntry) {
    store_.add_contained(result, {verdict.cause_entry, verdict.cause_generation});
  }
  // It may go on and end, but its result stays this failure.
  if (!store_.fail(result, verdict)) return;
  task.ending = true;
  on_failed(result);
}

}  // namespace mobula::raylet
