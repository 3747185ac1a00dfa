// stress/payload.h: content that proves itself: its first word is the seed of all others, its second their checksum.
//   Threads    reentrant
//   Cost       one multiplication and two shifts a word
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mix {

using Payload = std::vector<std::uint64_t>;
constexpr std::uint64_t kPayloadWordsMin = 2;

// The word with this number of the payload with this seed.
inline std::uint64_t word_at(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t word = (seed + number * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;
  word ^= word >> 32;
  return word * 0xc4ceb9fe1a85ec53ull;
}

// REQUIRES: words >= kPayloadWordsMin.
inline Payload make_payload(std::uint64_t seed, std::uint64_t words) {
  Payload payload(static_cast<std::size_t>(words));
  std::uint64_t sum = seed;
  for (std::size_t i = kPayloadWordsMin; i < payload.size(); ++i) sum += payload[i] = word_at(seed, i);
  payload[0] = seed;
  payload[1] = sum;
  return payload;
}

// True when no bit differs from what make_payload made of the seed that it carries.
inline bool is_whole(const Payload &payload) {
  if (payload.size() < kPayloadWordsMin) return false;
  std::uint64_t sum = payload[0];
  for (std::size_t i = kPayloadWordsMin; i < payload.size(); ++i) {
    if (payload[i] != word_at(payload[0], i)) return false;
    sum += payload[i];
  }
  return payload[1] == sum;
}

// What tasks return in place of the seed: Ray takes a number that packs into 9 bytes for a value of another language.
inline std::uint64_t short_seed(std::uint64_t seed) { return seed & 0x7fffffff; }

inline bool is_payload_of(const Payload &payload, std::uint64_t seed, std::uint64_t words) {
  return payload.size() == words && payload[0] == seed && is_whole(payload);
}

}  // namespace mix
