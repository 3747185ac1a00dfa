// wordcount/word_table.h: counts words while a chunk is read.
//   Layout     open addressing over a power of two; words are copied once, into blocks that never move
//   Threads    one table belongs to one thread
//   Errors     std::bad_alloc
//   Cost       a known word: one hash, about one probe, no allocation
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "tally.h"

namespace wordcount {

// ASCII letters, digits and the underscore make words; every other byte separates them.
constexpr bool is_word_byte(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

// The same as a table: one load for each byte of the input.
inline constexpr std::array<bool, 256> kWordBytes = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) table[byte] = is_word_byte(static_cast<unsigned char>(byte));
  return table;
}();

class WordTable {
 public:
  WordTable() : slots_(kSlotsFirst) {}

  // Counts every word of the text.
  void add_all(std::string_view text) {
    const auto *at = reinterpret_cast<const unsigned char *>(text.data());
    const unsigned char *end = at + text.size();
    for (;;) {
      while (at != end && !kWordBytes[*at]) ++at;
      if (at == end) return;
      const unsigned char *first = at;
      std::uint64_t hash = kHashSeed;
      for (; at != end && kWordBytes[*at]; ++at) hash = (hash ^ *at) * kHashPrime;
      add({reinterpret_cast<const char *>(first), static_cast<std::size_t>(at - first)}, hash);
    }
  }

  // Adds words and entries to a tally without entries. REQUIRES: tally.entries is empty.
  void write_to(Tally &tally) const {
    std::vector<Entry> entries;
    entries.reserve(used_);
    std::size_t text_bytes = 0;
    for (const Slot &slot : slots_) {
      if (slot.count == 0) continue;
      entries.push_back({{slot.text, slot.size}, slot.count});
      text_bytes += slot.size;
      tally.words += slot.count;
    }
    std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) { return a.word < b.word; });
    tally.entries.reserve(text_bytes + 3 * entries.size());
    for (const Entry &entry : entries) append_entry(entry, tally);
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint64_t count = 0;  // 0 = empty
    const char *text = nullptr;
    std::size_t size = 0;
  };
  static constexpr std::size_t kSlotsFirst = 1 << 14;
  static constexpr std::size_t kBlockBytes = 1 << 18;
  // FNV-1a: one multiplication for each byte, while the byte is in a register anyway.
  static constexpr std::uint64_t kHashSeed = 14695981039346656037u;
  static constexpr std::uint64_t kHashPrime = 1099511628211u;

  void add(std::string_view word, std::uint64_t hash) {
    std::size_t at = first_slot(hash);
    for (; slots_[at].count != 0; at = (at + 1) & (slots_.size() - 1)) {
      Slot &slot = slots_[at];
      if (slot.hash == hash && slot.size == word.size() && std::memcmp(slot.text, word.data(), word.size()) == 0) {
        ++slot.count;
        return;
      }
    }
    slots_[at] = {hash, 1, keep(word), word.size()};
    if (++used_ * 2 > slots_.size()) grow();
  }

  std::size_t first_slot(std::uint64_t hash) const { return (hash ^ (hash >> 32)) & (slots_.size() - 1); }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot &slot : old) {
      if (slot.count == 0) continue;
      std::size_t at = first_slot(slot.hash);
      while (slots_[at].count != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  // A copy that lives as long as the table.
  const char *keep(std::string_view word) {
    if (word.size() > block_left_) {
      block_left_ = std::max(kBlockBytes, word.size());
      blocks_.emplace_back(new char[block_left_]);
      block_next_ = blocks_.back().get();
    }
    char *copy = block_next_;
    std::memcpy(copy, word.data(), word.size());
    block_next_ += word.size();
    block_left_ -= word.size();
    return copy;
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char *block_next_ = nullptr;
  std::size_t block_left_ = 0;
};

}  // namespace wordcount
