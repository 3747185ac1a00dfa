// objects/store_scan.h: counts what the store holds in steps of bounded cost, for whoever must not be busy for long.
//   Threads    one scan belongs to one thread; reads the segment only, while all others run, and asks nobody
//   Crash      every word may be damaged: numbers are checked before they are used as a place or a count
//   Errors     exact when nothing runs. Else each number was true at some moment of the scan, and numbers that belong
//              together may be of different moments
//   Cost       in all O(entries + rows); memory O(clients)
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mobula/runtime.h"
#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::objects {

struct RowCopy;

// Of the words with which the segment tells its limits, each cut to what there can be.
struct ScanLimits {
  explicit ScanLimits(const segment::Segment &segment);
  std::uint32_t entries;
  std::uint32_t groups;
  std::uint32_t clients;
};

// True for a process that has not ended. What is left of one that is being reaped says nothing.
bool is_process(const segment::ClientSlot &slot);

class StoreScan {
 public:
  // `on_spec` is called with the entry of each task's spec.
  explicit StoreScan(const segment::Segment &segment, std::function<void(std::uint32_t)> on_spec = {});

  // Looks at so many words more, or a few beyond. False: it is through.
  bool step(std::uint64_t looks);
  void finish() {
    while (step(~0u)) {
    }
  }

  const runtime::StoreStats &stats() const { return stats_; }
  // What the statistics of the API do not tell.
  std::uint64_t references() const { return references_; }  // holders of all that the segment holds, not handles
  std::uint64_t unsealed_objects() const { return unsealed_; }
  std::int64_t oldest_reference_ns() const { return oldest_ns_; }  // CLOCK_MONOTONIC; 0: nobody holds anything

 private:
  void read_header();
  void read_entry(std::uint32_t entry);
  void count_object(std::uint32_t entry, std::uint64_t word, bool held, bool pinned);
  std::uint64_t read_some_rows(std::uint64_t looks);
  void begin_client();
  void end_client();
  void count_row(const RowCopy &row, runtime::ProcessStats *process);

  const segment::Segment &segment_;
  const std::function<void(std::uint32_t)> on_spec_;
  const ScanLimits limits_;
  runtime::StoreStats stats_;
  std::vector<runtime::ProcessStats> processes_;  // by client id
  std::uint64_t references_ = 0;
  std::uint64_t unsealed_ = 0;
  std::int64_t oldest_ns_ = 0;
  // Where it goes on: first all entries, then the rows of one client after another.
  std::uint32_t entry_ = 0;
  std::uint32_t client_ = 0;
  std::uint32_t chunk_ = 0;
  std::uint32_t row_ = 0;
};

}  // namespace mobula::objects
