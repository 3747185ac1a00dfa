// wordcount/parallel.h: the count as tasks. Chunks are counted by workers and merged by workers; the driver holds
// references only, and reads one value at the end.
//   Threads    one driver thread
//   Errors     the exceptions of ray::Get
#pragma once

#include <ray/api.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "files.h"
#include "progress.h"
#include "tally.h"

// By their full names: functions are found by the text that stands here.
RAY_REMOTE(wordcount::count_chunk, wordcount::merge_tallies);

namespace wordcount {

// Merges results two by two as they are added, equal sizes with each other: like carrying in a binary number. A merge
// is submitted before its arguments exist, and runs when they do.
class MergeTree {
 public:
  void add(ray::ObjectRef<Tally> tally) {
    std::size_t level = 0;
    for (; level < levels_.size() && levels_[level]; ++level) tally = merge(*std::exchange(levels_[level], {}), tally);
    if (level == levels_.size()) levels_.emplace_back();
    levels_[level] = std::move(tally);
  }

  // The sum of everything added. REQUIRES: something was.
  ray::ObjectRef<Tally> sum() const {
    std::optional<ray::ObjectRef<Tally>> sum;
    for (const auto &level : levels_) {
      if (level) sum = sum ? merge(*level, *sum) : *level;
    }
    return *sum;
  }

 private:
  static ray::ObjectRef<Tally> merge(const ray::ObjectRef<Tally> &left, const ray::ObjectRef<Tally> &right) {
    return ray::Task(merge_tallies).Remote(left, right);
  }

  std::vector<std::optional<ray::ObjectRef<Tally>>> levels_;  // level n: 2^n chunks
};

// Chunk tasks submitted and not finished: enough that no worker waits for the driver, few enough that the results of a
// very large input never pile up. The API does not tell how many workers there are; a machine has one for each core.
inline std::size_t tasks_in_flight_max() { return 4 * std::thread::hardware_concurrency() + 16; }

// Chunk tasks under way, and how many bytes each of them reads.
class Window {
 public:
  explicit Window(ProgressBar &progress) : progress_(progress) {}
  std::size_t size() const { return references_.size(); }

  void add(const ray::ObjectRef<Tally> &reference, std::uint64_t bytes) {
    references_.push_back(reference);
    bytes_.emplace(reference.ID(), bytes);
  }

  // Waits until at least one of them has finished. REQUIRES: size() > 0.
  void wait_for_one() {
    const ray::WaitResult<Tally> result = ray::Wait(references_, 1, -1);
    for (const auto &reference : result.ready) {
      const auto found = bytes_.find(reference.ID());
      progress_.add(found->second);
      bytes_.erase(found);
    }
    references_.assign(result.unready.begin(), result.unready.end());
  }

 private:
  ProgressBar &progress_;
  std::vector<ray::ObjectRef<Tally>> references_;
  std::unordered_map<std::string, std::uint64_t> bytes_;
};

// Counts all chunks.
inline Tally count_in_parallel(const std::vector<Chunk> &chunks, std::uint64_t bytes_total) {
  if (chunks.empty()) return {};
  const std::size_t in_flight_max = tasks_in_flight_max();
  ProgressBar progress(bytes_total);
  Window window(progress);
  MergeTree tree;
  for (const Chunk &chunk : chunks) {
    while (window.size() >= in_flight_max) window.wait_for_one();
    const ray::ObjectRef<Tally> tally = ray::Task(count_chunk).Remote(chunk.slices);
    window.add(tally, chunk.bytes);
    tree.add(tally);
  }
  while (window.size() > 0) window.wait_for_one();
  return std::move(*ray::Get(tree.sum()));
}

}  // namespace wordcount
