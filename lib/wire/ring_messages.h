// wire/ring_messages.h: what travels in the rings of the segment, packed into ring slots.
//   Layout     RingSlot: kind, count, 14 words. A name is three words: entry, generation low, generation high
//   Threads    plain values
//   Errors     the raylet copies a slot before it looks at it, and checks every number in it
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "refs/state_word.h"
#include "segment/layout.h"

namespace mobula::wire {

using refs::ObjectName;
using segment::RingSlot;

// Client to raylet.
enum class ToRaylet : std::uint32_t {
  kSubmit = 1,    // a task: names of its spec and of its result
  kHints = 2,     // entries that this client holds no more
  kRequest = 3,   // room: size class, how many, bytes of the first, ticket
  kWithdraw = 4,  // the put gave up: ticket
  kRows = 5,      // another chunk of handle rows
  kContains = 6,  // a container, and references packed inside it; before its seal (rule 17)
  kDone = 7,      // a worker has ended a task: names of spec and result; count: wire::Done
  kBlocked = 8,   // a worker waits for objects: it gives its slot back; an Awaited
  kUnblocked = 9,
  kReturn = 10,      // free entries that this client does not want
  kSkipped = 11,     // a worker's ring is empty: its last slots had been taken back
  kRetain = 12,      // why an object is kept changes: name, Retention
  kKillActor = 13,   // the actor's entry; count: 1 = without restart
  kActorExits = 14,  // a worker: its actor has asked for its own end, and is not restarted
};

// How a task has ended. kThrew: its result is not settled, the task is to run again.
enum class Done : std::uint32_t { kSettled = 0, kRestartFailed = 1, kThrew = 2 };

// What a kRetain message asks for. Weak: of this client alone, and only its first and last weak reference is told.
enum class Retention : std::uint32_t { kRetain = 1, kUnretain = 2, kWeak = 3, kNotWeak = 4 };

// Raylet to client, in the grants ring.
enum class Grant : std::uint32_t {
  kEntries = 1,  // size class, then entries of it, FREE, to be used by this client only
  kRows = 2,     // number and position of a chunk of rows
  kRefused = 3,  // ticket of a request that can never be met, and a mobula::Code
};

// Raylet to worker, in the offers ring.
enum class Offer : std::uint32_t {
  kTask = 1,     // a TaskOffer
  kCall = 2,     // the same, of a call to the worker's actor
  kRestart = 3,  // names of an actor's spec and entry; count: how often it was restarted
  kEnd = 4,      // nobody refers to the worker's actor any more
};

constexpr std::uint32_t kEntriesPerHint = 14;
constexpr std::uint32_t kEntriesPerGrant = 13;
constexpr std::uint32_t kNamesPerContains = 3;
constexpr std::uint32_t kWordsPerName = 3;
constexpr std::uint32_t kNoRows = 0xffffffffu;  // as the number of a chunk: there is none left

inline void put_name(RingSlot *slot, std::uint32_t word, const ObjectName &name) {
  slot->words[word] = name.entry;
  slot->words[word + 1] = static_cast<std::uint32_t>(name.generation);
  slot->words[word + 2] = static_cast<std::uint32_t>(name.generation >> 32);
}
inline ObjectName get_name(const RingSlot &slot, std::uint32_t word) {
  return {slot.words[word], slot.words[word + 1] | static_cast<std::uint64_t>(slot.words[word + 2]) << 32};
}
inline void put_wide(RingSlot *slot, std::uint32_t word, std::uint64_t value) {
  slot->words[word] = static_cast<std::uint32_t>(value);
  slot->words[word + 1] = static_cast<std::uint32_t>(value >> 32);
}
inline std::uint64_t get_wide(const RingSlot &slot, std::uint32_t word) {
  return slot.words[word] | static_cast<std::uint64_t>(slot.words[word + 1]) << 32;
}

template <typename KindOfRing>
RingSlot slot_of(KindOfRing kind) {
  RingSlot slot{};
  slot.kind = static_cast<std::uint32_t>(kind);
  return slot;
}

// A task's two names: of kSubmit, kDone and kTask.
struct TaskNames {
  ObjectName spec;
  ObjectName result;
};
template <typename KindOfRing>
RingSlot task_slot(KindOfRing kind, const TaskNames &names) {
  RingSlot slot = slot_of(kind);
  put_name(&slot, 0, names.spec);
  put_name(&slot, kWordsPerName, names.result);
  return slot;
}
inline TaskNames task_names(const RingSlot &slot) { return {get_name(slot, 0), get_name(slot, kWordsPerName)}; }

// Of kTask, kCall and kRestart.
struct TaskOffer {
  TaskNames names;
  std::uint32_t count = 0;        // of a factory: how often its actor was restarted; else how often it may run again
  std::uint64_t device_bits = 0;  // GPUs that it was given
};
inline RingSlot offer_slot(Offer kind, const TaskOffer &offer) {
  RingSlot slot = task_slot(kind, offer.names);
  slot.count = offer.count;
  put_wide(&slot, 2 * kWordsPerName, offer.device_bits);
  return slot;
}
inline TaskOffer task_offer(const RingSlot &slot) {
  return {task_names(slot), slot.count, get_wide(slot, 2 * kWordsPerName)};
}

// What a task waits for, as far as it can be told: without end, on the thread that the task began on.
struct Awaited {
  static constexpr std::uint32_t kNamesMax = 4;
  std::uint32_t count = 0;   // of names; 0: nothing is known
  std::uint32_t needed = 0;  // how many of these must be there
  std::array<ObjectName, kNamesMax> names;
};
inline RingSlot blocked_slot(const Awaited &awaited) {
  RingSlot slot = slot_of(ToRaylet::kBlocked);
  slot.count = awaited.count;
  for (std::uint32_t i = 0; i < awaited.count; ++i) put_name(&slot, i * kWordsPerName, awaited.names[i]);
  slot.words[Awaited::kNamesMax * kWordsPerName] = awaited.needed;
  return slot;
}
// What a client sends may be anything: a count beyond the limit reads as nothing known.
inline Awaited awaited_in(const RingSlot &slot) {
  Awaited awaited;
  if (slot.count > Awaited::kNamesMax) return awaited;
  awaited.count = slot.count;
  awaited.needed = slot.words[Awaited::kNamesMax * kWordsPerName];
  for (std::uint32_t i = 0; i < awaited.count; ++i) awaited.names[i] = get_name(slot, i * kWordsPerName);
  return awaited;
}

inline RingSlot retain_slot(const ObjectName &name, Retention retention) {
  RingSlot slot = slot_of(ToRaylet::kRetain);
  put_name(&slot, 0, name);
  slot.words[kWordsPerName] = static_cast<std::uint32_t>(retention);
  return slot;
}

struct Request {
  std::uint32_t size_class = 0;
  std::uint32_t count = 0;
  std::uint64_t bytes = 0;  // payload of the first
  std::uint32_t ticket = 0;
};
inline RingSlot request_slot(const Request &request) {
  RingSlot slot = slot_of(ToRaylet::kRequest);
  slot.count = request.count;
  slot.words[0] = request.size_class;
  put_wide(&slot, 1, request.bytes);
  slot.words[3] = request.ticket;
  return slot;
}
inline Request request_of(const RingSlot &slot) {
  return {slot.words[0], slot.count, get_wide(slot, 1), slot.words[3]};
}

}  // namespace mobula::wire
