// refs/names.h: the session's table of names, in the segment: which object a published name stands for.
//   Layout     segment::NameRecord and buckets of versions and chains; layout.h
//   Threads    NameTable: the raylet's thread. find_name: any thread of any process, while the table changes
//   Crash      a reader never waits: each step of the writer leaves a table that can be read, so it may be stopped or
//              killed between any two of them
//   Ordering   a record is filled before a bucket leads to it; a bucket gets a new version before a record that it led
//              to is used again; a reader that finds another version afterwards begins anew (rule 37)
//   Cost       O(length of a chain), about one record; no lock, no system call
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::refs {

// Why nothing can have that name; "" when something can.
std::string problem_of(std::string_view name);

// What a name stood for, and what tells whether it still does.
struct FoundName {
  ObjectName object;
  std::uint32_t bucket = 0;
  std::uint64_t bucket_word = 0;
};

// Nullopt: no object had that name at some moment of the call. Whoever takes the object then asks is_current(): when it
// is false the name may stand for another object by now.
std::optional<FoundName> find_name(const segment::Segment &segment, std::string_view name);
// Ordering: seq_cst, after the take.
bool is_current(const segment::Segment &segment, const FoundName &found);

struct ListedName {
  std::string name;
  ObjectName object;
};
// All names, each as it was at some moment of the call. O(buckets).
std::vector<ListedName> list_names(const segment::Segment &segment);

// The writer: raylet only.
class NameTable {
 public:
  explicit NameTable(segment::Segment &segment);

  enum class Change { kDone, kTaken, kFull, kNoMemory, kNoObject };
  // REQUIRES: problem_of(name) is empty. kNoObject: for whoever asks on behalf of others.
  // kTaken: it stands for an object and `replace` is false.
  // `replaced` gets the entry that it stood for, kNoEntry for none.
  Change publish(std::string_view name, const ObjectName &object, bool replace, std::uint32_t *replaced);
  // The entry that it stood for; kNoEntry: nobody had published it.
  std::uint32_t unpublish(std::string_view name);
  // Takes every name off an object. REQUIRES: they all stand for this entry's present tenant.
  void unpublish_all(std::uint32_t entry);

  std::uint32_t size() const { return size_; }
  // How many names stand for the entry.
  std::uint32_t count_of(std::uint32_t entry) const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffffu;
  struct Place {
    std::uint32_t bucket = 0;
    std::uint32_t record = kNone;
    std::uint32_t previous = kNone;  // in the chain; kNone: the bucket itself leads to it
  };
  Place find(std::string_view name) const;
  std::optional<std::uint32_t> allocate();
  void fill(std::uint32_t record, std::uint32_t hash, std::string_view name, const ObjectName &object);
  void lead_to(std::uint32_t bucket, std::uint32_t record_plus_1);
  void remove(const Place &place);

  segment::Segment &segment_;
  // What the raylet knows of its records: a client can write to the shared ones.
  struct Known {
    std::string name;
    std::uint32_t hash = 0;
    std::uint32_t next = kNone;
    std::uint32_t entry = segment::kNoEntry;
    std::uint32_t next_of_entry = kNone;  // another name of the same object
  };
  std::vector<Known> known_;
  std::vector<std::uint32_t> heads_;     // by bucket
  std::vector<std::uint32_t> versions_;  // by bucket
  std::deque<std::uint32_t> free_;       // first in, first out: what was removed lately rests longest
  std::vector<std::uint32_t> first_of_entry_;
  std::uint32_t size_ = 0;
};

}  // namespace mobula::refs
