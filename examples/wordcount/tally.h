// wordcount/tally.h: how often each word occurs, as one value that travels between tasks.
//   Layout     entries: sorted by word, each `count, length` as varints and the word's bytes; merging is one pass
//   Threads    reentrant
//   Errors     std::runtime_error when entries are malformed
#pragma once

#include <ray/api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace wordcount {

struct Tally {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t words = 0;
  std::uint64_t distinct_words = 0;
  std::vector<std::string> unreadable;  // "path: reason", sorted, each once
  std::string entries;
  MSGPACK_DEFINE(files, bytes, words, distinct_words, unreadable, entries)
};

struct Entry {
  std::string_view word;
  std::uint64_t count = 0;
};

inline void append_varint(std::uint64_t value, std::string &text) {
  for (; value >= 0x80; value >>= 7) text.push_back(static_cast<char>(value | 0x80));
  text.push_back(static_cast<char>(value));
}

// Appends to the entries, not to the totals. REQUIRES: entry.word sorts after the words before it.
inline void append_entry(const Entry &entry, Tally &tally) {
  append_varint(entry.count, tally.entries);
  append_varint(entry.word.size(), tally.entries);
  tally.entries.append(entry.word);
  ++tally.distinct_words;
}

// Walks over entries in their order. The words point into the text that was given.
class EntryReader {
 public:
  explicit EntryReader(std::string_view entries) : rest_(entries) { next(); }

  bool at_end() const { return at_end_; }
  // REQUIRES: !at_end().
  const Entry &entry() const { return entry_; }

  void next() {
    at_end_ = rest_.empty();
    if (at_end_) return;
    entry_.count = take_varint();
    const std::uint64_t length = take_varint();
    if (length > rest_.size()) throw std::runtime_error("a tally is cut off");
    entry_.word = rest_.substr(0, length);
    rest_.remove_prefix(length);
  }

 private:
  std::uint64_t take_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("a tally is malformed");
  }

  std::string_view rest_;
  Entry entry_;
  bool at_end_ = false;
};

inline void merge_entries(const Tally &left, const Tally &right, Tally &merged) {
  merged.entries.reserve(left.entries.size() + right.entries.size());
  EntryReader a(left.entries);
  EntryReader b(right.entries);
  while (!a.at_end() && !b.at_end()) {
    const int order = a.entry().word.compare(b.entry().word);
    if (order == 0) {
      append_entry({a.entry().word, a.entry().count + b.entry().count}, merged);
      a.next();
      b.next();
    } else {
      EntryReader &first = order < 0 ? a : b;
      append_entry(first.entry(), merged);
      first.next();
    }
  }
  for (; !a.at_end(); a.next()) append_entry(a.entry(), merged);
  for (; !b.at_end(); b.next()) append_entry(b.entry(), merged);
}

// The sum of two tallies. Cost: linear in both.
inline Tally merge_tallies(const Tally &left, const Tally &right) {
  Tally merged;
  merged.files = left.files + right.files;
  merged.bytes = left.bytes + right.bytes;
  merged.words = left.words + right.words;
  std::set_union(left.unreadable.begin(), left.unreadable.end(), right.unreadable.begin(), right.unreadable.end(),
                 std::back_inserter(merged.unreadable));
  merge_entries(left, right, merged);
  return merged;
}

// The `wanted` most frequent words, most frequent first, equal ones in order of the alphabet.
inline std::vector<Entry> most_frequent(const Tally &tally, std::size_t wanted) {
  std::vector<Entry> entries;
  entries.reserve(tally.distinct_words);
  for (EntryReader reader(tally.entries); !reader.at_end(); reader.next()) entries.push_back(reader.entry());
  const std::size_t kept = std::min(wanted, entries.size());
  std::partial_sort(
      entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(kept), entries.end(),
      [](const Entry &a, const Entry &b) { return a.count != b.count ? a.count > b.count : a.word < b.word; });
  entries.resize(kept);
  return entries;
}

}  // namespace wordcount
