// raylet/entry_index.h: the raylet's own record of every entry: what it decided, which no client can overwrite.
//   Threads    thread-bound
//   Process    raylet-private memory
//   Cost       O(1); 48 bytes an entry
#pragma once

#include <cstdint>
#include <vector>

#include "base/saturation.h"
#include "segment/layout.h"

namespace mobula::raylet {

constexpr std::uint32_t kNobody = 0;  // as an owner; client ids begin at 1

struct EntryRecord {
  std::uint64_t offset = segment::kInlineOffset;  // of its block, kInlineOffset = none
  std::uint64_t task = 0;  // of a spec or pending result: the task's number; of an actor: that of its first creation
  std::uint32_t raylet_refs = 0;               // saturates (rule 40): the object is then kept until the session ends
  std::uint32_t owner = kNobody;               // the client it was granted to, while that lives
  std::uint32_t previous = segment::kNoEntry;  // among the owner's
  std::uint32_t next = segment::kNoEntry;
  std::uint32_t retained = 0;  // segment::Retained bits
  bool has_contained = false;
  bool is_out = false;    // granted, or holding an object: not among the free ones
  bool is_actor = false;  // stands for an actor, which ends when this is freed
};

// Both return the count after it.
inline std::uint32_t count_up(EntryRecord &record) {
  return base::is_saturated(record.raylet_refs) ? record.raylet_refs : ++record.raylet_refs;
}
inline std::uint32_t count_down(EntryRecord &record) {
  return base::is_saturated(record.raylet_refs) ? record.raylet_refs : --record.raylet_refs;
}

// Records by entry, and a list of each client's entries.
class EntryIndex {
 public:
  EntryIndex() : heads_(base::kClientsMax, segment::kNoEntry) {}

  void grow(std::uint32_t entries) { records_.resize(entries); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(records_.size()); }
  EntryRecord &operator[](std::uint32_t entry) { return records_[entry]; }
  const EntryRecord &operator[](std::uint32_t entry) const { return records_[entry]; }

  // REQUIRES: the entry has no owner.
  void give_to(std::uint32_t owner, std::uint32_t entry) {
    EntryRecord &record = records_[entry];
    record.owner = owner;
    record.previous = segment::kNoEntry;
    record.next = heads_[owner];
    if (record.next != segment::kNoEntry) records_[record.next].previous = entry;
    heads_[owner] = entry;
  }
  void take_from_owner(std::uint32_t entry) {
    EntryRecord &record = records_[entry];
    if (record.owner == kNobody) return;
    if (record.previous != segment::kNoEntry)
      records_[record.previous].next = record.next;
    else
      heads_[record.owner] = record.next;
    if (record.next != segment::kNoEntry) records_[record.next].previous = record.previous;
    record.owner = kNobody;
  }
  // The first entry of an owner, kNoEntry when it has none.
  std::uint32_t first_of(std::uint32_t owner) const { return heads_[owner]; }

 private:
  std::vector<EntryRecord> records_;
  std::vector<std::uint32_t> heads_;
};

}  // namespace mobula::raylet
