// tasks/claim.h: who may run a task: the claim word in the header of its spec.
//   Layout     bits 0..1 state | 2..13 worker (client id) | 14..61 generation of the spec's entry
//   Threads    the raylet and the named worker, by CAS only (docs/reference-rules.md, rule 27)
#pragma once

#include <cstdint>

#include "segment/layout.h"

namespace mobula::tasks {

enum class Claim : std::uint8_t {
  kIdle = 0,
  kOffered = 1,
  kRunning = 2,
  kCancelling = 3,  // as kRunning, and asked to end: the task sees it by loading the word
};

constexpr std::uint64_t pack_claim(Claim claim, std::uint32_t worker, std::uint64_t generation) {
  return static_cast<std::uint64_t>(claim) | static_cast<std::uint64_t>(worker) << 2 | generation << 14;
}
constexpr Claim claim_of(std::uint64_t word) { return static_cast<Claim>(word & 3); }
constexpr std::uint32_t claimant_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 2) & 0xfff; }

// O1, raylet: nobody runs it; `worker` may.
inline void offer(segment::Word &word, std::uint32_t worker, std::uint64_t generation) {
  // seq_cst exchange: replaces whatever an earlier tenant of the entry left.
  word.exchange(pack_claim(Claim::kOffered, worker, generation), std::memory_order_seq_cst);
}
// Q2, worker: false when the raylet has taken it back.
inline bool claim(segment::Word &word, std::uint32_t worker, std::uint64_t generation) {
  std::uint64_t expected = pack_claim(Claim::kOffered, worker, generation);
  return word.compare_exchange_strong(expected, pack_claim(Claim::kRunning, worker, generation),
                                      std::memory_order_seq_cst);
}
// Raylet: false when the worker has claimed it before.
inline bool take_back(segment::Word &word, std::uint32_t worker, std::uint64_t generation) {
  std::uint64_t expected = pack_claim(Claim::kOffered, worker, generation);
  return word.compare_exchange_strong(expected, pack_claim(Claim::kIdle, 0, generation), std::memory_order_seq_cst);
}

// Raylet: asks the task that runs there to end. False: it does not run there, or was asked before. Only the next offer
// changes the word again, so nothing is lost with the worker.
inline bool ask_to_end(segment::Word &word, std::uint32_t worker, std::uint64_t generation) {
  std::uint64_t expected = pack_claim(Claim::kRunning, worker, generation);
  return word.compare_exchange_strong(expected, pack_claim(Claim::kCancelling, worker, generation),
                                      std::memory_order_seq_cst);
}
// The worker has claimed it: it runs there or has run.
inline bool is_claimed_by(const segment::Word &word, std::uint32_t worker, std::uint64_t generation) {
  const std::uint64_t value = word.load(std::memory_order_seq_cst);
  return value == pack_claim(Claim::kRunning, worker, generation) ||
         value == pack_claim(Claim::kCancelling, worker, generation);
}

}  // namespace mobula::tasks
