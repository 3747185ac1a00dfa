// tasks/actor_table.h: the actors of the session: which call runs next, and what becomes of an actor that died.
//   Threads    thread-bound (the raylet's loop). Pure: events and `now` in, decisions out; no fd, clock, thread, log
//   Ownership  owns its tables; names the rest by number. Numbers that it does not know are ignored: events may cross
//   Crash      raylet-private memory, gone with the raylet
//   Errors     a stated limit reached or an unknown actor: false
//   Cost       events O(1) amortised, or O(calls concerned)
//
// Order. Calls of one caller are offered in the order in which they came; callers take turns. A call whose arguments
// are not there yet keeps those of its caller behind it waiting, no others.
// Restarts. The first at once; an actor that dies again soon is restarted later and later, at most kRestartDelayMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "tasks/number_table.h"
#include "tasks/slab.h"
#include "tasks/task_table.h"

namespace mobula::tasks {

// The number of the task that made it first: never reused.
using ActorNumber = std::uint64_t;
using CallerNumber = std::uint32_t;

struct ActorLimits {
  std::uint32_t actors_max = 3000;
  std::uint32_t calls_max = 1U << 21;       // queued and running, of all actors
  std::uint32_t offers_per_actor_max = 64;  // in its worker's ring, running ones included
};

enum class ActorState : std::uint8_t {
  kStarting,  // its factory is queued or runs
  kAlive,
  kWaiting,  // to be restarted when its time comes
};

struct CallOffer {
  TaskNumber call = 0;
  ActorNumber actor = 0;
};

class ActorTable {
 public:
  static constexpr std::int64_t kRestartDelayMinNs = 100'000'000;
  static constexpr std::int64_t kRestartDelayMaxNs = 10'000'000'000;
  static constexpr std::int64_t kLivedLongNs = 10'000'000'000;  // who lives so long is restarted at once again

  // `is_settled`: whether nobody has to wait for an object.
  ActorTable(const ActorLimits &limits, std::function<bool(ObjectKey)> is_settled)
      : limits_(limits), is_settled_(std::move(is_settled)) {}

  // A new actor, starting. `restarts_max` < 0: without end. False: actors_max reached.
  [[nodiscard]] bool add(ActorNumber actor, std::int32_t restarts_max);
  // Its factory has ended well: calls may be offered.
  void started(ActorNumber actor, std::int64_t now_ns);
  // Its process is gone. The time at which to restart it, or nothing: it may not, end() it. Judge offered() before.
  [[nodiscard]] std::optional<std::int64_t> died(ActorNumber actor, std::int64_t now_ns);
  // Forgets the actor and all its calls, which are returned: offered ones first, then each caller's, in order.
  std::vector<TaskNumber> end(ActorNumber actor);

  // False, with nothing changed: calls_max reached, or no such actor.
  [[nodiscard]] bool call_submitted(TaskNumber call, ActorNumber actor, CallerNumber caller, JobNumber job,
                                    std::span<const ObjectKey> unsettled);
  // It has ended, or is not wanted any more: forgotten, in whatever state. What was offered the caller has taken back.
  void call_ended(TaskNumber call);
  // An offered call is queued again, before all others of its caller: the last one first, to keep their order.
  void requeue(TaskNumber call);
  // Forgets the queued calls of a job and returns them; those that are offered stay.
  std::vector<TaskNumber> job_ended(JobNumber job);
  void object_settled(ObjectKey object);
  // Calls that are next of their caller and wait for this object.
  [[nodiscard]] std::vector<TaskNumber> waiting_on(ObjectKey object) const;

  // A paused actor is offered nothing: its ring has no room.
  void pause(ActorNumber actor, bool paused);
  // Replaces `offers` by what to put into the actors' rings now. In force here already.
  void decide(std::vector<CallOffer> &offers);
  // Replaces `due` by the actors to restart now; they are starting from now on.
  void take_due(std::int64_t now_ns, std::vector<ActorNumber> &due);
  [[nodiscard]] std::optional<std::int64_t> next_due_ns() const;

  [[nodiscard]] bool knows(ActorNumber actor) const { return actor_numbers_.index_of(actor) != kNoIndex; }
  [[nodiscard]] std::optional<ActorState> state_of(ActorNumber actor) const;
  // The calls in its worker's ring, in order of offer.
  [[nodiscard]] std::vector<TaskNumber> offered(ActorNumber actor) const;
  // No call is queued or offered.
  [[nodiscard]] bool is_idle(ActorNumber actor) const;
  [[nodiscard]] std::uint32_t restarts(ActorNumber actor) const;
  [[nodiscard]] std::size_t actors_count() const { return actors_.used(); }
  [[nodiscard]] std::size_t calls_count() const { return calls_.used(); }

 private:
  struct Call {
    TaskNumber number = 0;
    std::uint32_t actor = kNoIndex;
    CallerNumber caller = 0;
    JobNumber job = 0;
    bool is_offered = false;
    std::vector<ObjectKey> unsettled;
  };
  struct Queue {
    std::deque<TaskNumber> calls;  // numbers of calls that are gone are skipped
    bool in_turn = false;          // in Actor::turns
    bool waits = false;            // in heads_
  };
  struct Actor {
    ActorNumber number = 0;
    ActorState state = ActorState::kStarting;
    std::int32_t restarts_left = 0;
    std::uint32_t restarts = 0;
    std::uint32_t quick_deaths = 0;
    std::uint32_t calls = 0;  // queued and offered
    std::int64_t started_ns = 0;
    std::int64_t due_ns = 0;  // while waiting
    bool is_listed = false;   // in to_look_
    bool is_paused = false;
    std::unordered_map<CallerNumber, Queue> queues;
    std::deque<CallerNumber> turns;
    std::deque<TaskNumber> offered;
  };

  Actor *find(ActorNumber actor);
  Queue &give_turn(std::uint32_t actor, CallerNumber caller);
  void look_at(std::uint32_t actor);
  void offer_calls(std::uint32_t actor, std::vector<CallOffer> &offers);
  std::uint32_t next_of(Queue &queue);
  bool must_wait(std::uint32_t actor, Call &call);
  void forget(std::uint32_t call);

  ActorLimits limits_;
  std::function<bool(ObjectKey)> is_settled_;
  Slab<Actor> actors_;
  Slab<Call> calls_;
  NumberTable actor_numbers_;
  NumberTable call_numbers_;
  struct Head {
    std::uint32_t actor = kNoIndex;
    CallerNumber caller = 0;
  };
  std::unordered_map<ObjectKey, std::vector<Head>> heads_;  // whose next call waits for the object
  std::set<std::pair<std::int64_t, std::uint32_t>> due_;
  std::vector<std::uint32_t> to_look_;
};

}  // namespace mobula::tasks
