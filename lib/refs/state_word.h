// refs/state_word.h: the state word of an entry, packed and unpacked.
//   Layout     bits 0..2 state | 3 EVICTING | 4..15 writer (client id; 0 = raylet) | 16..63 generation
//   Threads    plain values; the word itself is changed by CAS only (rule 1)
#pragma once

#include <cstdint>

#include "segment/layout.h"

namespace mobula::refs {

enum class State : std::uint8_t {
  kFree = 0,
  kPending = 1,   // a task will make it
  kCreating = 2,  // the writer is at it
  kSealed = 3,
  kFailed = 4,  // the writer tells why: Kind::kError bytes of a worker, the verdict of the raylet
};

constexpr const char *name_of(State state) {
  switch (state) {
    case State::kFree:
      return "free";
    case State::kPending:
      return "pending";
    case State::kCreating:
      return "creating";
    case State::kSealed:
      return "sealed";
    case State::kFailed:
      return "failed";
  }
  return "unknown";
}

constexpr std::uint32_t kRayletWriter = 0;  // client ids begin at 1
constexpr std::uint32_t kStateBits = 3;
constexpr std::uint32_t kWriterBits = 12;
constexpr std::uint32_t kGenerationBits = 48;  // all of it in the ObjectID: at 5 M recyclings a second it lasts a year
static_assert((1u << kWriterBits) >= base::kClientsMax);

constexpr std::uint64_t kEvictingFlag = 1ull << kStateBits;
constexpr std::uint32_t kWriterShift = kStateBits + 1;
constexpr std::uint32_t kGenerationShift = kWriterShift + kWriterBits;
static_assert(kGenerationShift + kGenerationBits == 64);

constexpr std::uint64_t pack(State state, std::uint32_t writer, std::uint64_t generation) {
  return static_cast<std::uint64_t>(state) | static_cast<std::uint64_t>(writer) << kWriterShift |
         generation << kGenerationShift;
}
constexpr State state_of(std::uint64_t word) { return static_cast<State>(word & ((1u << kStateBits) - 1)); }
constexpr bool is_evicting(std::uint64_t word) { return (word & kEvictingFlag) != 0; }
constexpr std::uint32_t writer_of(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> kWriterShift) & ((1u << kWriterBits) - 1);
}
constexpr std::uint64_t generation_of(std::uint64_t word) { return word >> kGenerationShift; }
// The last generation has no object and no next one: an entry that reaches it is retired (rule 40).
static_assert(base::kGenerationTop < 1ull << kGenerationBits);
constexpr std::uint64_t next_generation(std::uint64_t generation) {
  return generation < base::kGenerationTop ? generation + 1 : base::kGenerationTop;
}
constexpr bool is_retired(std::uint64_t word) { return generation_of(word) >= base::kGenerationTop; }
constexpr bool is_settled(State state) { return state == State::kSealed || state == State::kFailed; }
constexpr bool is_settled(std::uint64_t word) { return is_settled(state_of(word)); }
// True when kind, size and times are those of this tenant: its creator has settled it itself.
constexpr bool is_described(std::uint64_t word) {
  return state_of(word) == State::kSealed || (state_of(word) == State::kFailed && writer_of(word) != kRayletWriter);
}
// True when the word is a live object of that generation.
constexpr bool names(std::uint64_t word, std::uint64_t generation) {
  return generation_of(word) == generation && state_of(word) != State::kFree;
}

// One object of this session: which entry, and which of its tenants.
struct ObjectName {
  std::uint32_t entry = segment::kNoEntry;
  std::uint64_t generation = 0;
  friend bool operator==(const ObjectName &, const ObjectName &) = default;
};

}  // namespace mobula::refs
