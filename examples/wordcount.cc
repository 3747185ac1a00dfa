// Counts the words of a directory tree with tasks: the files are cut into chunks, workers count the chunks and merge
// the counts two by two. Read wordcount/parallel.h for the tasks, wordcount/chunk.h for what one of them does.
#include <ray/api.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "wordcount/files.h"
#include "wordcount/options.h"
#include "wordcount/parallel.h"
#include "wordcount/report.h"
#include "wordcount/sequential.h"

namespace wordcount {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Verdict verify(const Tally &tally, const Listing &listing) {
  const std::vector<std::string> differences = compare(tally, count_sequentially(listing.files));
  for (const std::string &difference : differences) std::fprintf(stderr, "wordcount: %s\n", difference.c_str());
  return differences.empty() ? Verdict::kIdentical : Verdict::kDifferent;
}

int count_words(const Options &options, const std::filesystem::path &top) {
  const auto start = std::chrono::steady_clock::now();
  const Listing listing = list_files(top);
  const std::vector<Chunk> chunks = plan_chunks(listing.files, options.chunk_bytes);

  Report report;
  report.tally = count_in_parallel(chunks, listing.bytes);
  report.seconds = seconds_since(start);
  report.chunks = chunks.size();
  report.top = most_frequent(report.tally, options.top);

  std::vector<std::string> unreadable = listing.unreadable;
  unreadable.insert(unreadable.end(), report.tally.unreadable.begin(), report.tally.unreadable.end());
  report.unreadable = unreadable.size();
  print_unreadable(unreadable);
  if (options.verify) report.verdict = verify(report.tally, listing);
  options.json ? print_json(report) : print_text(report);
  return report.verdict == Verdict::kDifferent ? 1 : 0;
}

int run(int argc, char **argv) {
  Options options = parse_options(argc, argv);
  if (options.help) {
    std::fwrite(kUsage.data(), 1, kUsage.size(), stdout);
    return 0;
  }
  std::error_code error;
  const std::filesystem::path top = std::filesystem::canonical(options.directory, error);
  if (error) throw UsageError(options.directory + ": " + error.message());

  ray::RayConfig config;
  ray::Init(config, static_cast<int>(options.engine_arguments.size()), options.engine_arguments.data());
  const int status = count_words(options, top);
  ray::Shutdown();
  return status;
}

}  // namespace
}  // namespace wordcount

int main(int argc, char **argv) {
  try {
    return wordcount::run(argc, argv);
  } catch (const wordcount::UsageError &error) {
    std::fprintf(stderr, "wordcount: %s\nTry 'wordcount --help'.\n", error.what());
    return 2;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "wordcount: %s\n", error.what());
    return 1;
  }
}
