// wordcount/sequential.h: the same count without tasks, chunks or our own table, to compare with.
//   Threads    reentrant; runs in the driver
#pragma once

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <unordered_map>
#include <vector>

#include "files.h"
#include "tally.h"

namespace wordcount {

struct SequentialCount {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t words = 0;
  std::size_t unreadable_files = 0;
  std::unordered_map<std::string, std::uint64_t> counts;
};

inline bool belongs_to_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

inline void count_text(const std::string &text, SequentialCount &count) {
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && belongs_to_word(text[i])) {
      word.push_back(text[i]);
    } else if (!word.empty()) {
      ++count.counts[word];
      ++count.words;
      word.clear();
    }
  }
}

inline SequentialCount count_sequentially(const std::vector<File> &files) {
  SequentialCount count;
  for (const File &file : files) {
    std::ifstream stream(file.path, std::ios::binary);
    if (!stream) {
      ++count.unreadable_files;
      continue;
    }
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    ++count.files;
    count.bytes += text.size();
    count_text(text, count);
  }
  return count;
}

inline constexpr std::size_t kDifferencesShownMax = 10;

inline void compare_figure(const std::string &what, std::uint64_t parallel, std::uint64_t sequential,
                           std::vector<std::string> &differences) {
  if (parallel == sequential || differences.size() == kDifferencesShownMax) return;
  differences.push_back(what + ": " + std::to_string(parallel) + " in parallel, " + std::to_string(sequential) +
                        " sequentially");
}

// The first differences, as lines; none when everything is the same.
inline std::vector<std::string> compare(const Tally &tally, SequentialCount count) {
  std::vector<std::string> differences;
  compare_figure("files", tally.files, count.files, differences);
  compare_figure("unreadable files", tally.unreadable.size(), count.unreadable_files, differences);
  compare_figure("bytes", tally.bytes, count.bytes, differences);
  compare_figure("words", tally.words, count.words, differences);
  compare_figure("distinct words", tally.distinct_words, count.counts.size(), differences);
  for (EntryReader reader(tally.entries); !reader.at_end(); reader.next()) {
    const std::string word(reader.entry().word);
    const auto found = count.counts.find(word);
    compare_figure("'" + word + "'", reader.entry().count, found == count.counts.end() ? 0 : found->second,
                   differences);
    if (found != count.counts.end()) count.counts.erase(found);
  }
  for (const auto &[word, sequential] : count.counts) compare_figure("'" + word + "'", 0, sequential, differences);
  return differences;
}

}  // namespace wordcount
