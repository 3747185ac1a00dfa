// segment/segment.h: the nameless shared memory of a session, mapped.
//   Layout     segment/layout.h
//   Process    the raylet creates it, clients attach by the descriptor that the control socket hands them
//   Crash      it has no name: the kernel frees it with its last process
//   Ownership  unmaps on destruction; pointers into it end there
#pragma once

#include <algorithm>
#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "segment/layout.h"
#include "segment/window.h"

namespace mobula::segment {

enum class Set : std::uint32_t { kHolders = 0, kPins = 1, kWaiters = 2 };
constexpr std::uint32_t kSetsCount = 3;
constexpr std::uint64_t kNameBucketsBytes = sizeof(Word) * base::kNameBuckets;
// Victims, deaths, samples and sites: one piece of fixed size.
constexpr std::uint64_t kHistoryBytes = sizeof(Victim) * base::kVictimsKept + sizeof(Death) * base::kDeathsKept +
                                        sizeof(Sample) * base::kSamplesKept + sizeof(Site) * base::kSitesMax;
static_assert(kNameBucketsBytes % kPageBytes == 0 && kHistoryBytes % kPageBytes == 0);
constexpr std::uint64_t log_bytes(std::uint32_t records) {
  return (records * sizeof(LogRecord) + kPageBytes - 1) / kPageBytes * kPageBytes;
}
static_assert(sizeof(NameRecord) * base::kNamesPerChunk % kPageBytes == 0);

class Segment {
 public:
  // Raylet only. Shared memory of `capacity_bytes` for objects, tables beside it, and room for `log_records` events (at
  // most kLogRecordsMax; 0: no log). kInvalidArgument names what was
  // asked, what is free and the flag to change. `notice` receives one line when memfd had to be used in place of
  // /dev/shm.
  static Status create(std::uint64_t capacity_bytes, std::unique_ptr<Segment> *segment, std::string *notice,
                       std::uint32_t log_records = 0);
  // Client or tool. Refuses another layout. The descriptor is kept until destruction.
  static Status attach(base::File file, std::unique_ptr<Segment> *segment);

  // Reserves [offset, offset + bytes) of the segment, so that touching it cannot fail. Raylet only; kStoreFull when the
  // machine has no memory left.
  Status reserve(std::uint64_t offset, std::uint64_t bytes);
  // Reserves header chunks until `entries` may be used, in every live group. Raylet only.
  Status reserve_entries(std::uint32_t entries);
  // Reserves the set arrays of groups below `groups`. Raylet only.
  Status reserve_groups(std::uint32_t groups);
  // Reserves slot, rings and set arrays of a client id, once. Raylet only. REQUIRES: all lower ids have theirs.
  Status reserve_client(std::uint32_t id);
  // Reserves all buckets and the first `records` records of the table of names. Raylet only.
  Status reserve_names(std::uint32_t records);
  // What the kernel has in memory for the whole segment.
  std::uint64_t kernel_bytes() const;

  // Leaves the segment but keeps its addresses valid: private empty memory takes its place, for late handles.
  void detach();

  int descriptor() const { return file_.get(); }
  SegmentHeader &header() const { return *reinterpret_cast<SegmentHeader *>(tables_); }
  ClientSlot &client(std::uint32_t id) const { return reinterpret_cast<ClientSlot *>(tables_ + regions_.clients)[id]; }
  ClientRings &rings(std::uint32_t id) const { return reinterpret_cast<ClientRings *>(tables_ + regions_.rings)[id]; }
  EntryHeader &entry(std::uint32_t index) const {
    return reinterpret_cast<EntryHeader *>(tables_ + regions_.entries)[index];
  }
  // Starts to fetch the header from the cache of whoever wrote it: the words, which the caller will change, and the
  // rest. REQUIRES: index < entries_reserved().
  void prefetch_entry(std::uint32_t index) const {
    const std::byte *const header = tables_ + regions_.entries + std::size_t{index} * sizeof(EntryHeader);
    __builtin_prefetch(header, 1);
    for (std::size_t line = 1; line < sizeof(EntryHeader) / kCacheLineBytes; ++line) {
      __builtin_prefetch(header + line * kCacheLineBytes);
    }
  }
  // REQUIRES of both: names_reserved() is not 0, and record < names_reserved().
  Word &name_bucket(std::uint32_t bucket) const { return reinterpret_cast<Word *>(tables_ + regions_.names)[bucket]; }
  NameRecord &name_record(std::uint32_t record) const {
    return reinterpret_cast<NameRecord *>(tables_ + regions_.names + kNameBucketsBytes)[record];
  }
  Victim &victim(std::uint64_t number) const {
    return reinterpret_cast<Victim *>(tables_ + regions_.victims)[number % base::kVictimsKept];
  }
  Death &death(std::uint64_t number) const {
    return reinterpret_cast<Death *>(tables_ + regions_.deaths)[number % base::kDeathsKept];
  }
  Sample &sample(std::uint64_t number) const {
    return reinterpret_cast<Sample *>(tables_ + regions_.samples)[number % base::kSamplesKept];
  }
  Activity &activity(std::uint32_t client, std::uint64_t number) const {
    return rings(client).activities[number % base::kActivitiesKept];
  }
  // REQUIRES: index < kSitesMax.
  Site &site(std::uint32_t index) const { return reinterpret_cast<Site *>(tables_ + regions_.sites)[index]; }
  // Places of the reference log. The header's number as it was at the start: a stray store cannot change it.
  std::uint32_t log_records() const { return log_records_; }
  // REQUIRES: log_records() is not 0.
  LogRecord &log_record(std::uint64_t number) const {
    return reinterpret_cast<LogRecord *>(tables_ + regions_.log)[number % log_records_];
  }
  // REQUIRES: offset lies in the rows region.
  Row *rows(std::uint64_t offset) const { return reinterpret_cast<Row *>(tables_ + offset); }
  // The word of one set for one group of 64 clients. REQUIRES: group < groups_live.
  Word &set_word(Set set, std::uint32_t group, std::uint32_t entry) const {
    if (group == 0) return (&this->entry(entry).holders)[static_cast<std::uint32_t>(set)];
    const std::uint64_t array = static_cast<std::uint64_t>(group - 1) * kSetsCount + static_cast<std::uint32_t>(set);
    return reinterpret_cast<Word *>(tables_ + regions_.groups)[array * base::kEntriesMax + entry];
  }
  const Regions &regions() const { return regions_; }
  std::uint64_t capacity_bytes() const { return capacity_bytes_; }
  // The raylet trusts its own count, which no client can overwrite.
  std::uint32_t groups_live() const {
    return is_owner_ ? own_groups_ : header().groups_live.load(std::memory_order_acquire);
  }
  std::uint32_t entries_reserved() const {
    return is_owner_ ? own_entries_ : header().entries_reserved.load(std::memory_order_acquire);
  }

  std::uint32_t names_reserved() const {
    return is_owner_ ? own_names_ : std::min(header().names_reserved.load(std::memory_order_acquire), base::kNamesMax);
  }

  // Data by offset in the data region. The readable mapping traps writes.
  const std::byte *readable(std::uint64_t offset) const { return readable_ + offset; }
  // For writing into a block of our own. REQUIRES: [offset, offset + bytes) lies inside the data region. Opens what of
  // the writable mapping it needs: until then it traps writes, too.
  std::byte *writable(std::uint64_t offset, std::uint64_t bytes) {
    window_.open(offset, bytes);
    return writable_ + offset;
  }
  // True when [offset, offset + bytes) lies inside the data region.
  bool contains(std::uint64_t offset, std::uint64_t bytes) const {
    return offset <= capacity_bytes_ && bytes <= capacity_bytes_ - offset;
  }

  // Where [offset, offset + bytes) of the data region lies in the segment, for reserve().
  std::uint64_t data_position(std::uint64_t offset) const { return regions_.data + offset; }

 private:
  Segment() = default;
  void map(std::uint64_t capacity_bytes, std::uint32_t log_records, const Regions &regions);
  Status reserve_set_arrays(std::uint32_t first_group, std::uint32_t last_group, std::uint32_t first_entry,
                            std::uint32_t last_entry);
  void give_back(std::uint64_t offset, std::uint64_t bytes);
  std::uint64_t set_array_position(std::uint32_t group, std::uint32_t set, std::uint32_t entry) const;

  base::File file_;
  Regions regions_{};
  std::uint64_t capacity_bytes_ = 0;
  std::uint32_t log_records_ = 0;
  bool is_owner_ = false;  // the raylet, which created it
  std::uint32_t own_groups_ = 1;
  std::uint32_t own_entries_ = 0;
  std::uint32_t own_clients_ = 1;  // id 0 stands for the raylet
  std::uint32_t own_names_ = 0;
  boost::interprocess::mapped_region tables_region_;
  boost::interprocess::mapped_region readable_region_;
  boost::interprocess::mapped_region writable_region_;
  std::byte *tables_ = nullptr;
  const std::byte *readable_ = nullptr;
  std::byte *writable_ = nullptr;
  Window window_;
};

}  // namespace mobula::segment
