// wordcount/report.h: the result, as text for people or as one JSON object.
//   Layout     words are ASCII letters, digits and underscores: nothing in the JSON needs escaping
#pragma once

#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tally.h"

namespace wordcount {

enum class Verdict { kNotVerified, kIdentical, kDifferent };

struct Report {
  Tally tally;
  std::vector<Entry> top;  // points into tally
  std::size_t unreadable = 0;
  std::size_t chunks = 0;
  double seconds = 0;
  Verdict verdict = Verdict::kNotVerified;

  double megabytes_per_second() const { return seconds > 0 ? static_cast<double>(tally.bytes) / 1e6 / seconds : 0.0; }
};

inline void print_figure(const char *name, std::uint64_t value) { std::printf("%-16s %14" PRIu64 "\n", name, value); }

inline void print_text(const Report &report) {
  for (const Entry &entry : report.top) {
    std::printf("%14" PRIu64 "  %.*s\n", entry.count, static_cast<int>(entry.word.size()), entry.word.data());
  }
  if (!report.top.empty()) std::printf("\n");
  print_figure("files", report.tally.files);
  print_figure("bytes", report.tally.bytes);
  print_figure("words", report.tally.words);
  print_figure("distinct words", report.tally.distinct_words);
  print_figure("unreadable", report.unreadable);
  print_figure("chunks", report.chunks);
  std::printf("%-16s %14.3f\n%-16s %14.1f\n", "seconds", report.seconds, "MB/s", report.megabytes_per_second());
  if (report.verdict == Verdict::kIdentical) std::printf("verified: identical\n");
  if (report.verdict == Verdict::kDifferent) std::printf("verified: different\n");
}

inline void print_json(const Report &report) {
  std::printf("{\"files\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"words\": %" PRIu64 ", \"distinct_words\": %" PRIu64,
              report.tally.files, report.tally.bytes, report.tally.words, report.tally.distinct_words);
  std::printf(", \"unreadable\": %zu, \"chunks\": %zu, \"seconds\": %.6f, \"megabytes_per_second\": %.3f, \"top\": [",
              report.unreadable, report.chunks, report.seconds, report.megabytes_per_second());
  const char *separator = "";
  for (const Entry &entry : report.top) {
    std::printf("%s{\"word\": \"%.*s\", \"count\": %" PRIu64 "}", separator, static_cast<int>(entry.word.size()),
                entry.word.data(), entry.count);
    separator = ", ";
  }
  std::printf("]");
  if (report.verdict != Verdict::kNotVerified) {
    std::printf(", \"verified\": %s", report.verdict == Verdict::kIdentical ? "true" : "false");
  }
  std::printf("}\n");
}

inline constexpr std::size_t kUnreadableShownMax = 20;

// Says on stderr what could not be read.
inline void print_unreadable(const std::vector<std::string> &unreadable) {
  for (std::size_t i = 0; i < unreadable.size() && i < kUnreadableShownMax; ++i) {
    std::fprintf(stderr, "wordcount: cannot read %s\n", unreadable[i].c_str());
  }
  if (unreadable.size() > kUnreadableShownMax) {
    std::fprintf(stderr, "wordcount: and %zu more\n", unreadable.size() - kUnreadableShownMax);
  }
}

}  // namespace wordcount
