#include "raylet/tasks.h"

#include <algorithm>
#include <cstring>

#include "refs/evict.h"
#include "tasks/claim.h"
#include "tasks/resources_text.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kRecordBits = 22;
static_assert((1u << kRecordBits) > base::kTasksMax);
// Of a worker, when more drivers than slots have tasks: many times the cost of waking another one.
constexpr std::int64_t kTurnNs = 1'000'000;
constexpr std::uint32_t kCallsPerActorMax = base::kOfferSlots / 2;  // in its ring

using refs::ObjectName;
using refs::State;

tasks::SchedulerLimits limits_for(std::uint32_t slots_count) {
  tasks::SchedulerLimits limits;
  limits.slots_count = slots_count;
  limits.turn_ns = kTurnNs;
  limits.workers_max = base::kWorkersMax;
  limits.tasks_max = base::kTasksMax;
  return limits;
}

}  // namespace

segment::Verdict plain_verdict(Code code, std::int32_t pid, std::int32_t process_end) {
  segment::Verdict verdict{};
  verdict.code = static_cast<std::uint32_t>(code);
  verdict.pid = pid;
  verdict.process_end = process_end;
  verdict.cause_entry = segment::kNoEntry;
  return verdict;
}

segment::Verdict failure_of(const ObjectName &cause) {
  segment::Verdict verdict = plain_verdict(Code::kTaskFailed);
  verdict.cause_entry = cause.entry;
  verdict.cause_generation = cause.generation;
  return verdict;
}

Tasks::Tasks(Store &store, Clients &clients, std::uint32_t slots_count, Edge edge, tasks::Quantities others)
    : store_(store),
      clients_(clients),
      edge_(std::move(edge)),
      scheduler_(limits_for(slots_count)),
      actors_(
          {.actors_max = base::kActorsMax, .calls_max = base::kTasksMax, .offers_per_actor_max = kCallsPerActorMax},
          [this](tasks::ObjectKey key) { return refs::is_settled(store_.word_of(static_cast<std::uint32_t>(key))); }),
      slots_count_(slots_count),
      gate_(tasks::session_resources(slots_count, 0, std::move(others))) {}

Tasks::Task &Tasks::new_task() {
  if (free_records_.empty()) {
    free_records_.push_back(static_cast<std::uint32_t>(records_.size()));
    records_.emplace_back();
  }
  const std::uint32_t record = free_records_.back();
  free_records_.pop_back();
  records_[record] = Task{};
  records_[record].number = next_tenant_++ << kRecordBits | record;
  return records_[record];
}

Tasks::Task *Tasks::find(std::uint64_t number) {
  const std::uint64_t record = number & ((1u << kRecordBits) - 1);
  if (number == 0 || record >= records_.size() || records_[record].number != number) return nullptr;
  return &records_[record];
}

// --- submission
// --------------------------------------------------------------------------------------------------------

std::optional<tasks::TaskSpec> Tasks::read_spec(const Client &client, const wire::TaskNames &names) {
  if (!store_.is_named(names.spec) || store_.index()[names.spec.entry].owner != client.id) return std::nullopt;
  if (refs::state_of(store_.word_of(names.spec.entry)) != State::kSealed ||
      store_.index()[names.spec.entry].task != 0) {
    return std::nullopt;
  }
  const segment::EntryHeader &header = store_.segment().entry(names.spec.entry);
  const std::uint64_t offset = store_.index()[names.spec.entry].offset;  // ours: the header's may be a lie by now
  const std::uint64_t size = header.size;
  const bool is_inline = offset == segment::kInlineOffset;
  if (size > base::kSpecBytesMax ||
      (is_inline ? size > segment::kInlineBytes : !store_.segment().contains(offset, size))) {
    return std::nullopt;
  }
  // Copied before it is verified: the client may still be writing.
  static thread_local std::vector<std::uint64_t> copy;
  copy.resize(size / sizeof(std::uint64_t) + 1);
  std::memcpy(copy.data(), is_inline ? header.inline_bytes : store_.segment().readable(offset), size);
  return tasks::decode_spec(std::as_bytes(std::span(copy)).first(size));
}

bool Tasks::owns_new_result(const Client &client, const ObjectName &result) const {
  return store_.is_named(result) && store_.index()[result.entry].owner == client.id &&
         store_.index()[result.entry].task == 0 && refs::state_of(store_.word_of(result.entry)) == State::kPending;
}

// A task submitted by a task belongs to that one's job. Messages of one worker come in order, so the first task in its
// queue that has not reported yet is the one that submits.
std::uint32_t Tasks::job_of(const Client &client) {
  if (client.kind == segment::ClientKind::kDriver) return client.id;
  return client.last_job;
}

void Tasks::note_job(Client &worker) {
  const Task *const first = worker.offered.empty() ? nullptr : find(worker.offered.front());
  if (first != nullptr) worker.last_job = first->job;
}

bool Tasks::hold_arguments(Task &task, const tasks::TaskSpec &spec) {
  bool all = true;
  const auto hold = [&](const ObjectName &name) {
    const bool held = store_.add_ref(name);
    if (held) task.referenced.push_back(name);
    all &= held;
  };
  for (const tasks::ArgumentView &argument : spec.arguments) {
    if (argument.reference.entry != segment::kNoEntry) hold(argument.reference);
    for (const ObjectName &name : argument.contained) hold(name);
  }
  return all;
}

bool Tasks::on_submit(Client &client, const wire::TaskNames &names) {
  if (!owns_new_result(client, names.result)) return false;
  const std::optional<tasks::TaskSpec> spec = read_spec(client, names);
  if (!spec) return false;
  Task &task = new_task();
  task.names = names;
  task.function = spec->function;
  task.job = job_of(client);
  store_.add_ref(names.spec);
  store_.add_ref(names.result);
  store_.index()[names.spec.entry].task = task.number;
  store_.index()[names.result.entry].task = task.number;
  task.retries_exceptions = spec->options && spec->options->retry_exceptions;
  if (!spec->creation) set_deadline(task, *spec);
  const bool complete = hold_arguments(task, *spec);
  if (spec->creation && !add_actor(client, task, *spec->creation)) return true;
  if (!spec->creation && !early_calls_.empty()) queue_early_calls(names.result);
  if (!complete)
    fail_task(task.number, plain_verdict(Code::kObjectLost));
  else if (spec->actor.entry != segment::kNoEntry)
    submit_call(client, task, *spec);
  else
    schedule(task, *spec);
  return true;
}

std::optional<segment::Verdict> Tasks::failed_argument(const tasks::TaskSpec &spec) const {
  for (const tasks::ArgumentView &argument : spec.arguments) {
    if (argument.reference.entry == segment::kNoEntry) continue;
    if (refs::state_of(store_.word_of(argument.reference.entry)) != State::kFailed) continue;
    return failure_of(argument.reference);
  }
  return std::nullopt;
}

std::vector<tasks::ObjectKey> Tasks::unsettled_arguments(const tasks::TaskSpec &spec) const {
  std::vector<tasks::ObjectKey> keys;
  for (const tasks::ArgumentView &argument : spec.arguments) {
    if (argument.reference.entry == segment::kNoEntry) continue;
    if (!refs::is_settled(store_.word_of(argument.reference.entry))) keys.push_back(argument.reference.entry);
  }
  return keys;
}

void Tasks::schedule(Task &task, const tasks::TaskSpec &spec) {
  if (!edge_.is_job_alive(task.job)) return fail_task(task.number, plain_verdict(Code::kOwnerDied));
  const std::optional<std::uint32_t> template_number = edge_.template_for(task.function, task.job);
  if (!template_number) return fail_task(task.number, plain_verdict(Code::kFunctionNotFound));
  task.template_number = *template_number;
  // The unsettled first: whatever settles between the two looks is then seen as failed, or reported later.
  std::vector<tasks::ObjectKey> unsettled = unsettled_arguments(spec);
  if (const std::optional<segment::Verdict> verdict = failed_argument(spec)) return fail_task(task.number, *verdict);
  if (asks_for_resources(task, spec) && !wait_for_resources(task, spec, &unsettled)) return;
  // Whether an actor is made again is its own affair.
  const std::uint32_t retries = task.is_creation ? 0 : spec.retries;
  if (!scheduler_.task_submitted(task.number, task.job, *template_number, unsettled, retries)) {
    fail_task(task.number, plain_verdict(Code::kLimitReached));
  }
}

// --- ends
// ----------------------------------------------------------------------------------------------------------------

void Tasks::forget(Task &task) {
  const wire::TaskNames names = task.names;
  const std::vector<ObjectName> referenced = std::move(task.referenced);
  store_.index()[names.spec.entry].task = 0;
  store_.index()[names.result.entry].task = task.is_creation ? task.actor : 0;
  free_records_.push_back(static_cast<std::uint32_t>(task.number & ((1u << kRecordBits) - 1)));
  deadlines_.remove(task.number);
  if (task.is_gated && !task.is_creation) gate_.remove(task.number);  // an actor keeps what it has
  task.number = 0;
  for (const ObjectName &name : referenced) store_.drop_ref(name);
  store_.drop_ref(names.spec);
  store_.drop_ref(names.result);
}

// The result is settled and the scheduler has forgotten the task.
void Tasks::complete(Task &task) {
  const ObjectName result = task.names.result;
  if (refs::state_of(store_.word_of(result.entry)) == State::kFailed) {
    ++failed_;
    fail_dependants(result);
  }
  settle_object(result);
  forget(task);
}

void Tasks::settle_object(const ObjectName &name) {
  tell_gate(name);
  scheduler_.object_settled(name.entry);
  actors_.object_settled(name.entry);
}

std::vector<tasks::TaskNumber> Tasks::waiting_on(const ObjectName &name) const {
  std::vector<tasks::TaskNumber> waiting = scheduler_.waiting_on(name.entry);
  const std::vector<tasks::TaskNumber> calls = actors_.waiting_on(name.entry);
  waiting.insert(waiting.end(), calls.begin(), calls.end());
  return waiting;
}

void Tasks::fail_dependants(const ObjectName &result) {
  // The root of the failure: what failed because of another failure passes that one on.
  const segment::Verdict verdict = failure_of(result);
  for (const tasks::TaskNumber dependant : waiting_on(result)) fail_task(dependant, verdict);
}

// Settles the task and, one after another, all that wait for it.
void Tasks::fail_task(std::uint64_t first, const segment::Verdict &verdict) {
  segment::Verdict root = verdict;
  if (root.cause_entry != segment::kNoEntry) {
    const segment::EntryHeader &cause = store_.segment().entry(root.cause_entry);
    const bool by_raylet = refs::writer_of(store_.word_of(root.cause_entry)) == refs::kRayletWriter;
    const bool is_verdict = by_raylet && refs::state_of(store_.word_of(root.cause_entry)) == State::kFailed;
    if (is_verdict && cause.verdict.cause_entry != segment::kNoEntry) root = cause.verdict;
    root.code = verdict.code;
  }
  std::vector<tasks::ActorNumber> not_made;
  std::vector<std::uint64_t> open{first};
  while (!open.empty()) {
    Task *const task = find(open.back());
    open.pop_back();
    if (task == nullptr) continue;
    const ObjectName result = task->names.result;
    for (const tasks::TaskNumber dependant : waiting_on(result)) open.push_back(dependant);
    if (task->is_creation) not_made.push_back(task->actor);
    // The cause stays as long as whoever may ask for it.
    if (root.cause_entry != segment::kNoEntry) {
      store_.add_contained(result, {root.cause_entry, root.cause_generation});
    }
    store_.fail(result, root);
    ++failed_;
    scheduler_.task_removed(task->number);
    actors_.call_ended(task->number);
    settle_object(result);
    forget(*task);
    if (root.cause_entry == segment::kNoEntry) root = failure_of(result);
  }
  for (const tasks::ActorNumber number : not_made) {
    const auto actor = actor_records_.find(number);
    if (actor != actor_records_.end()) creation_failed(actor->second, verdict);
  }
}

void Tasks::on_failed(const ObjectName &name) {
  queue_early_calls(name);
  fail_dependants(name);
  settle_object(name);
}

void Tasks::give_up(std::uint64_t number) { fail_task(number, plain_verdict(Code::kFunctionNotFound)); }

void Tasks::fail_template(std::uint32_t template_number, const segment::Verdict &verdict) {
  for (const tasks::TaskNumber number : scheduler_.template_removed(template_number)) fail_task(number, verdict);
}

bool Tasks::on_done(Client &worker, const wire::TaskNames &names, wire::Done how) {
  if (!store_.is_entry(names.spec.entry) || !store_.is_entry(names.result.entry)) return false;
  Task *const task = find(store_.index()[names.spec.entry].task);
  if (task == nullptr || task->names.spec != names.spec || task->names.result != names.result) return false;
  const auto place = std::find(worker.offered.begin(), worker.offered.end(), task->number);
  if (place == worker.offered.end()) return false;
  if (!refs::is_settled(store_.word_of(names.result.entry))) {
    return how == wire::Done::kThrew && task->actor == 0 && retry(worker, *task);
  }
  worker.offered.erase(place);
  if (task->is_creation && !task->ending) {
    creation_done(worker, *task, how == wire::Done::kRestartFailed);
  } else if (task->is_creation) {
    // Nobody wants the actor that the worker may be by now, and it would run no task.
    worker.ended_by_us = true;
    complete(*task);
    edge_.kill(worker, segment::DeathCause::kCancelled);
  } else if (task->actor != 0) {
    actors_.call_ended(task->number);
    ++finished_calls_;
    complete(*task);
  } else {
    note_job(worker);
    scheduler_.task_finished(task->number);
    complete(*task);
  }
  on_skipped(worker);
  return true;
}

// The function threw, and the task is to run again. False: it does not run there.
bool Tasks::retry(Client &worker, Task &task) {
  const ObjectName result = task.names.result;
  if (!is_running_at(task, worker)) return false;
  if (!refs::reopen(store_.segment().entry(result.entry), result.generation, worker.id)) return false;
  store_.drop_contained(result.entry);
  const std::uint64_t number = task.number;
  std::erase(worker.offered, number);
  note_job(worker);
  if (task.stopped != Code::kOk)
    fail_task(number, stopped_verdict(task));
  else if (!scheduler_.task_failed(number))
    give_up(number);
  on_skipped(worker);
  return true;
}

void Tasks::on_skipped(Client &worker) {
  if (worker.parked && worker.actor != 0) actors_.pause(worker.actor, false);
  change(worker, &Client::parked, false);
}

bool Tasks::on_blocked(Client &worker, bool blocked, const wire::Awaited &awaited) {
  if (worker.kind != segment::ClientKind::kWorker || worker.blocked == blocked) return false;
  lend_resources(worker, blocked);
  change(worker, &Client::blocked, blocked);
  worker.awaited = awaited;
  if (awaited.count > 0) look_for_deadlock(worker);
  return true;
}

// Sets one of the reasons for which a worker gets nothing; for the scheduler it is blocked while there is any.
void Tasks::change(Client &worker, bool Client::*reason, bool value) {
  const auto is_away = [&worker] { return worker.blocked || worker.parked || worker.stopped; };
  const bool before = is_away();
  worker.*reason = value;
  if (is_away() == before) return;
  if (before)
    scheduler_.worker_unblocked(worker.id);
  else
    scheduler_.worker_blocked(worker.id);
}

}  // namespace mobula::raylet
