#include "tasks/actor_table.h"

#include <algorithm>
#include <utility>

namespace mobula::tasks {

ActorTable::Actor *ActorTable::find(ActorNumber number) {
  const std::uint32_t actor = actor_numbers_.index_of(number);
  return actor == kNoIndex ? nullptr : &actors_[actor];
}

bool ActorTable::add(ActorNumber number, std::int32_t restarts_max) {
  if (actors_.used() >= limits_.actors_max || knows(number)) return false;
  const std::uint32_t actor = actors_.take();
  actors_[actor].number = number;
  actors_[actor].restarts_left = restarts_max;
  actor_numbers_.insert(number, actor);
  return true;
}

void ActorTable::started(ActorNumber number, std::int64_t now_ns) {
  Actor *const actor = find(number);
  if (actor == nullptr || actor->state != ActorState::kStarting) return;
  actor->state = ActorState::kAlive;
  actor->started_ns = now_ns;
  look_at(actor_numbers_.index_of(number));
}

std::optional<std::int64_t> ActorTable::died(ActorNumber number, std::int64_t now_ns) {
  Actor *const actor = find(number);
  if (actor == nullptr || actor->restarts_left == 0) return std::nullopt;
  if (actor->restarts_left > 0) --actor->restarts_left;
  ++actor->restarts;
  const bool lived_long = actor->state == ActorState::kAlive && now_ns - actor->started_ns >= kLivedLongNs;
  actor->quick_deaths = lived_long ? 0 : actor->quick_deaths;
  std::int64_t delay_ns = 0;
  if (actor->quick_deaths > 0) {
    const std::uint32_t doublings = std::min(actor->quick_deaths - 1, 16u);
    delay_ns = std::min(kRestartDelayMinNs << doublings, kRestartDelayMaxNs);
  }
  ++actor->quick_deaths;
  actor->state = ActorState::kWaiting;
  actor->is_paused = false;  // the ring was that of the dead process
  actor->due_ns = now_ns + delay_ns;
  due_.emplace(actor->due_ns, actor_numbers_.index_of(number));
  return actor->due_ns;
}

std::vector<TaskNumber> ActorTable::end(ActorNumber number) {
  std::vector<TaskNumber> left;
  const std::uint32_t index = actor_numbers_.index_of(number);
  if (index == kNoIndex) return left;
  Actor &actor = actors_[index];
  left.assign(actor.offered.begin(), actor.offered.end());
  for (auto &[caller, queue] : actor.queues) {
    for (const TaskNumber call : queue.calls) {
      if (call_numbers_.index_of(call) != kNoIndex) left.push_back(call);
    }
  }
  for (const TaskNumber call : left) {
    const std::uint32_t record = call_numbers_.index_of(call);
    if (record == kNoIndex) continue;
    call_numbers_.erase(call);
    calls_.release(record);
  }
  for (auto place = heads_.begin(); place != heads_.end();) {
    std::erase_if(place->second, [index](const Head &head) { return head.actor == index; });
    place = place->second.empty() ? heads_.erase(place) : std::next(place);
  }
  if (actor.state == ActorState::kWaiting) due_.erase({actor.due_ns, index});
  std::erase(to_look_, index);
  actor_numbers_.erase(number);
  actors_.release(index);
  return left;
}

// --- calls -----------------------------------------------------------------------------------------------------------

bool ActorTable::call_submitted(TaskNumber number, ActorNumber actor_number, CallerNumber caller, JobNumber job,
                                std::span<const ObjectKey> unsettled) {
  const std::uint32_t actor = actor_numbers_.index_of(actor_number);
  if (actor == kNoIndex || calls_.used() >= limits_.calls_max) return false;
  const std::uint32_t record = calls_.take();
  calls_[record] = {number, actor, caller, job, false, {unsettled.begin(), unsettled.end()}};
  call_numbers_.insert(number, record);
  ++actors_[actor].calls;
  give_turn(actor, caller).calls.push_back(number);
  return true;
}

ActorTable::Queue &ActorTable::give_turn(std::uint32_t index, CallerNumber caller) {
  Actor &actor = actors_[index];
  Queue &queue = actor.queues[caller];
  if (!queue.in_turn && !queue.waits) {
    queue.in_turn = true;
    actor.turns.push_back(caller);
    look_at(index);
  }
  return queue;
}

void ActorTable::look_at(std::uint32_t index) {
  Actor &actor = actors_[index];
  if (actor.state != ActorState::kAlive || actor.is_paused || std::exchange(actor.is_listed, true)) return;
  to_look_.push_back(index);
}

void ActorTable::forget(std::uint32_t record) {
  Actor &actor = actors_[calls_[record].actor];
  --actor.calls;
  call_numbers_.erase(calls_[record].number);
  calls_.release(record);
}

void ActorTable::call_ended(TaskNumber number) {
  const std::uint32_t record = call_numbers_.index_of(number);
  if (record == kNoIndex) return;
  const std::uint32_t index = calls_[record].actor;
  Actor &actor = actors_[index];
  if (calls_[record].is_offered) {
    const auto place = std::find(actor.offered.begin(), actor.offered.end(), number);
    if (place != actor.offered.end()) actor.offered.erase(place);
    look_at(index);
  } else {
    // Its number stays in the queue; if it was the next one, the one behind it may go.
    Queue &queue = actor.queues[calls_[record].caller];
    if (std::exchange(queue.waits, false)) give_turn(index, calls_[record].caller);
  }
  forget(record);
}

void ActorTable::requeue(TaskNumber number) {
  const std::uint32_t record = call_numbers_.index_of(number);
  if (record == kNoIndex || !calls_[record].is_offered) return;
  Call &call = calls_[record];
  call.is_offered = false;
  std::erase(actors_[call.actor].offered, number);
  give_turn(call.actor, call.caller).calls.push_front(number);
}

std::vector<TaskNumber> ActorTable::job_ended(JobNumber job) {
  std::vector<TaskNumber> ended;
  for (std::uint32_t record = 0; record < calls_.index_end(); ++record) {
    const Call &call = calls_[record];
    if (call.number != 0 && call.job == job && !call.is_offered) ended.push_back(call.number);
  }
  std::sort(ended.begin(), ended.end());
  for (const TaskNumber call : ended) call_ended(call);
  return ended;
}

void ActorTable::object_settled(ObjectKey object) {
  const auto found = heads_.find(object);
  if (found == heads_.end()) return;
  const std::vector<Head> heads = std::move(found->second);
  heads_.erase(found);
  for (const Head &head : heads) {
    const auto queue = actors_[head.actor].queues.find(head.caller);
    if (queue == actors_[head.actor].queues.end() || !std::exchange(queue->second.waits, false)) continue;
    give_turn(head.actor, head.caller);
  }
}

std::vector<TaskNumber> ActorTable::waiting_on(ObjectKey object) const {
  std::vector<TaskNumber> waiting;
  const auto found = heads_.find(object);
  if (found == heads_.end()) return waiting;
  for (const Head &head : found->second) {
    const auto queue = actors_[head.actor].queues.find(head.caller);
    if (queue == actors_[head.actor].queues.end() || !queue->second.waits) continue;
    for (const TaskNumber call : queue->second.calls) {
      if (call_numbers_.index_of(call) == kNoIndex) continue;
      waiting.push_back(call);
      break;
    }
  }
  return waiting;
}

void ActorTable::pause(ActorNumber number, bool paused) {
  Actor *const actor = find(number);
  if (actor == nullptr) return;
  actor->is_paused = paused;
  look_at(actor_numbers_.index_of(number));
}

// --- decisions -------------------------------------------------------------------------------------------------------

// The caller's next call that is not gone; kNoIndex when there is none.
std::uint32_t ActorTable::next_of(Queue &queue) {
  while (!queue.calls.empty()) {
    const std::uint32_t record = call_numbers_.index_of(queue.calls.front());
    if (record != kNoIndex) return record;
    queue.calls.pop_front();
  }
  return kNoIndex;
}

// Then it is told by object_settled, for the first of its objects that is not there.
bool ActorTable::must_wait(std::uint32_t actor, Call &call) {
  while (!call.unsettled.empty() && is_settled_(call.unsettled.back())) call.unsettled.pop_back();
  if (call.unsettled.empty()) return false;
  heads_[call.unsettled.back()].push_back({actor, call.caller});
  return true;
}

void ActorTable::offer_calls(std::uint32_t index, std::vector<CallOffer> &offers) {
  Actor &actor = actors_[index];
  if (actor.state != ActorState::kAlive) return;  // it has died since it was listed
  while (!actor.is_paused && actor.offered.size() < limits_.offers_per_actor_max && !actor.turns.empty()) {
    const CallerNumber caller = actor.turns.front();
    actor.turns.pop_front();
    Queue &queue = actor.queues[caller];
    queue.in_turn = false;
    const std::uint32_t record = next_of(queue);
    if (record == kNoIndex) {
      actor.queues.erase(caller);
      continue;
    }
    Call &call = calls_[record];
    queue.waits = must_wait(index, call);
    if (queue.waits) continue;
    queue.calls.pop_front();
    call.is_offered = true;
    actor.offered.push_back(call.number);
    offers.push_back({call.number, actor.number});
    give_turn(index, caller);
  }
}

void ActorTable::decide(std::vector<CallOffer> &offers) {
  offers.clear();
  while (!to_look_.empty()) {
    const std::uint32_t index = to_look_.back();
    to_look_.pop_back();
    offer_calls(index, offers);
    actors_[index].is_listed = false;
  }
}

void ActorTable::take_due(std::int64_t now_ns, std::vector<ActorNumber> &due) {
  due.clear();
  while (!due_.empty() && due_.begin()->first <= now_ns) {
    Actor &actor = actors_[due_.begin()->second];
    due_.erase(due_.begin());
    actor.state = ActorState::kStarting;
    due.push_back(actor.number);
  }
}

std::optional<std::int64_t> ActorTable::next_due_ns() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

// --- looking ---------------------------------------------------------------------------------------------------------

std::optional<ActorState> ActorTable::state_of(ActorNumber number) const {
  const std::uint32_t actor = actor_numbers_.index_of(number);
  if (actor == kNoIndex) return std::nullopt;
  return actors_[actor].state;
}

std::vector<TaskNumber> ActorTable::offered(ActorNumber number) const {
  const std::uint32_t actor = actor_numbers_.index_of(number);
  if (actor == kNoIndex) return {};
  return {actors_[actor].offered.begin(), actors_[actor].offered.end()};
}

bool ActorTable::is_idle(ActorNumber number) const {
  const std::uint32_t actor = actor_numbers_.index_of(number);
  return actor == kNoIndex || actors_[actor].calls == 0;
}

std::uint32_t ActorTable::restarts(ActorNumber number) const {
  const std::uint32_t actor = actor_numbers_.index_of(number);
  return actor == kNoIndex ? 0 : actors_[actor].restarts;
}

}  // namespace mobula::tasks
