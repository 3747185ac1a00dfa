#include "refs/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/crash_points.h"

namespace mobula::refs {
namespace {

constexpr std::uint32_t kVersionShift = 32;

// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv: names are short, and a session has few of them.
std::uint32_t hash_of(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619u;
  return hash;
}

std::uint32_t bucket_of(std::uint32_t hash) { return hash % base::kNameBuckets; }

using NameText = std::array<std::uint64_t, segment::kNameWords>;

bool has_text(const segment::NameRecord &record, std::string_view name) {
  if (record.length_bytes.load(std::memory_order_relaxed) != name.size()) return false;
  NameText text{};
  std::memcpy(text.data(), name.data(), name.size());
  const std::size_t words = (name.size() + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);
  for (std::size_t i = 0; i < words; ++i) {
    if (record.text[i].load(std::memory_order_relaxed) != text[i]) return false;
  }
  return true;
}

std::string text_in(const segment::NameRecord &record) {
  NameText text{};
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = record.text[i].load(std::memory_order_relaxed);
  const std::uint32_t length_bytes = record.length_bytes.load(std::memory_order_relaxed);
  return {reinterpret_cast<const char *>(text.data()), std::min(length_bytes, base::kNameBytesMax)};
}

ObjectName object_in(const segment::NameRecord &record) {
  return {record.entry.load(std::memory_order_relaxed), record.generation.load(std::memory_order_relaxed)};
}

// Shows `visit` the records of a bucket's chain until it has enough, then looks whether all of it was of one moment; if
// not, begins anew with `begin`. Returns the bucket's word. A damaged chain ends at the number of records there are.
template <typename Begin, typename Visit>
std::uint64_t read_chain(const segment::Segment &segment, std::uint32_t bucket, Begin begin, Visit has_enough) {
  const segment::Word &shared = segment.name_bucket(bucket);
  for (;;) {
    begin();
    // acquire: the records that it leads to are filled, and the table has grown to hold them.
    const std::uint64_t word = shared.load(std::memory_order_acquire);
    const std::uint32_t records = segment.names_reserved();
    std::uint32_t next_plus_1 = static_cast<std::uint32_t>(word);
    for (std::uint32_t steps = 0; next_plus_1 != 0 && next_plus_1 <= records && steps < records; ++steps) {
      const segment::NameRecord &record = segment.name_record(next_plus_1 - 1);
      if (has_enough(record)) break;
      next_plus_1 = record.next_plus_1.load(std::memory_order_acquire);
    }
    // The fence keeps the reads of the records before the second look.
    base::thread_fence(std::memory_order_acquire);
    if (shared.load(std::memory_order_relaxed) == word) return word;
  }
}

}  // namespace

std::string problem_of(std::string_view name) {
  if (!name.empty() && name.size() <= base::kNameBytesMax) return "";
  return fmt::format("a name has 1 to {} bytes, this one has {}", base::kNameBytesMax, name.size());
}

std::optional<FoundName> find_name(const segment::Segment &segment, std::string_view name) {
  if (segment.names_reserved() == 0 || !problem_of(name).empty()) return std::nullopt;
  const std::uint32_t hash = hash_of(name);
  std::optional<ObjectName> object;
  const std::uint64_t word = read_chain(
      segment, bucket_of(hash), [&] { object.reset(); },
      [&](const segment::NameRecord &record) {
        if (record.hash.load(std::memory_order_relaxed) != hash || !has_text(record, name)) return false;
        object = object_in(record);
        return true;
      });
  if (!object) return std::nullopt;
  return FoundName{*object, bucket_of(hash), word};
}

std::vector<ListedName> list_names(const segment::Segment &segment) {
  std::vector<ListedName> names;
  if (segment.names_reserved() == 0) return names;
  for (std::uint32_t bucket = 0; bucket < base::kNameBuckets; ++bucket) {
    const std::size_t before = names.size();
    read_chain(
        segment, bucket, [&] { names.resize(before); },
        [&](const segment::NameRecord &record) {
          names.push_back({text_in(record), object_in(record)});
          return false;
        });
  }
  return names;
}

bool is_current(const segment::Segment &segment, const FoundName &found) {
  return segment.name_bucket(found.bucket).load(std::memory_order_seq_cst) == found.bucket_word;
}

NameTable::NameTable(segment::Segment &segment) : segment_(segment) {}

NameTable::Place NameTable::find(std::string_view name) const {
  const std::uint32_t hash = hash_of(name);
  Place place{bucket_of(hash), kNone, kNone};
  if (heads_.empty()) return place;
  place.record = heads_[place.bucket];
  while (place.record != kNone && (known_[place.record].hash != hash || known_[place.record].name != name)) {
    place.previous = place.record;
    place.record = known_[place.record].next;
  }
  return place;
}

std::optional<std::uint32_t> NameTable::allocate() {
  if (free_.empty()) {
    const auto first = static_cast<std::uint32_t>(known_.size());
    const std::uint32_t records = first + base::kNamesPerChunk;
    if (segment_.reserve_names(records) != nullptr) return std::nullopt;
    heads_.resize(base::kNameBuckets, kNone);
    versions_.resize(base::kNameBuckets, 0);
    known_.resize(records);
    for (std::uint32_t record = first; record < records; ++record) free_.push_back(record);
  }
  const std::uint32_t record = free_.front();
  free_.pop_front();
  return record;
}

void NameTable::fill(std::uint32_t record, std::uint32_t hash, std::string_view name, const ObjectName &object) {
  segment::NameRecord &shared = segment_.name_record(record);
  NameText text{};
  std::memcpy(text.data(), name.data(), name.size());
  // release fence: the bucket's new version is visible before any of this, for a reader that still stands here.
  base::thread_fence(std::memory_order_release);
  shared.entry.store(object.entry, std::memory_order_relaxed);
  shared.generation.store(object.generation, std::memory_order_relaxed);
  shared.length_bytes.store(static_cast<std::uint32_t>(name.size()), std::memory_order_relaxed);
  shared.hash.store(hash, std::memory_order_relaxed);
  for (std::size_t i = 0; i < text.size(); ++i) shared.text[i].store(text[i], std::memory_order_relaxed);
}

// The bucket gets a new version, and maybe another first record.
void NameTable::lead_to(std::uint32_t bucket, std::uint32_t record_plus_1) {
  const std::uint64_t version = ++versions_[bucket];
  segment_.name_bucket(bucket).store(version << kVersionShift | record_plus_1, std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kRayletNamed);
}

NameTable::Change NameTable::publish(std::string_view name, const ObjectName &object, bool replace,
                                     std::uint32_t *replaced) {
  *replaced = segment::kNoEntry;
  const Place place = find(name);
  if (place.record != kNone && !replace) return Change::kTaken;
  if (place.record == kNone && size_ == base::kNamesMax) return Change::kFull;
  // The new record comes first, so that the name always stands for something.
  const std::optional<std::uint32_t> record = allocate();
  if (!record) return known_.size() >= base::kNamesMax ? Change::kFull : Change::kNoMemory;
  const std::uint32_t hash = hash_of(name);
  fill(*record, hash, name, object);
  if (first_of_entry_.size() <= object.entry) first_of_entry_.resize(object.entry + 1, kNone);
  known_[*record] = {std::string(name), hash, heads_[place.bucket], object.entry, first_of_entry_[object.entry]};
  first_of_entry_[object.entry] = *record;
  const std::uint32_t next = heads_[place.bucket];
  segment_.name_record(*record).next_plus_1.store(next == kNone ? 0 : next + 1, std::memory_order_relaxed);
  heads_[place.bucket] = *record;
  lead_to(place.bucket, *record + 1);
  ++size_;
  if (place.record == kNone) return Change::kDone;
  *replaced = known_[place.record].entry;
  remove({place.bucket, place.record, place.previous == kNone ? *record : place.previous});
  return Change::kDone;
}

void NameTable::remove(const Place &place) {
  Known &known = known_[place.record];
  std::uint32_t *link = &first_of_entry_[known.entry];
  while (*link != place.record) link = &known_[*link].next_of_entry;
  *link = known.next_of_entry;
  const std::uint32_t next_plus_1 = known.next == kNone ? 0 : known.next + 1;
  if (place.previous == kNone) {
    heads_[place.bucket] = known.next;
  } else {
    known_[place.previous].next = known.next;
    segment_.name_record(place.previous).next_plus_1.store(next_plus_1, std::memory_order_release);
  }
  const std::uint32_t head = heads_[place.bucket];
  lead_to(place.bucket, head == kNone ? 0 : head + 1);
  known = Known{};
  free_.push_back(place.record);
  --size_;
}

std::uint32_t NameTable::unpublish(std::string_view name) {
  const Place place = find(name);
  if (place.record == kNone) return segment::kNoEntry;
  const std::uint32_t entry = known_[place.record].entry;
  remove(place);
  return entry;
}

void NameTable::unpublish_all(std::uint32_t entry) {
  while (entry < first_of_entry_.size() && first_of_entry_[entry] != kNone) {
    unpublish(std::string(known_[first_of_entry_[entry]].name));
  }
}

std::uint32_t NameTable::count_of(std::uint32_t entry) const {
  std::uint32_t count = 0;
  if (entry >= first_of_entry_.size()) return 0;
  for (std::uint32_t record = first_of_entry_[entry]; record != kNone; record = known_[record].next_of_entry) ++count;
  return count;
}

}  // namespace mobula::refs
