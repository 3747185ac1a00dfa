#include "objects/sampler.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "objects/client_rows.h"

namespace mobula::objects {
namespace {

using segment::EntryHeader;
using segment::Kind;
using segment::Set;

// acquire: the description that was written before the entry was settled.
std::uint64_t word_of(const EntryHeader &header) { return header.state.load(std::memory_order_acquire); }

}  // namespace

// --- sums ------------------------------------------------------------------------------------------------------------

void EntryScan::Sums::add(std::uint32_t id, std::uint64_t bytes) {
  if (id == 0 || id >= shares.size()) return;
  ShareRecord &share = shares[id];
  if (share.objects++ == 0) used.push_back(id);
  share.id = id;
  share.bytes += bytes;
}

std::vector<ShareRecord> EntryScan::Sums::take_largest() {
  const auto is_larger = [this](std::uint32_t a, std::uint32_t b) {
    if (shares[a].bytes != shares[b].bytes) return shares[a].bytes > shares[b].bytes;
    return shares[a].objects != shares[b].objects ? shares[a].objects > shares[b].objects : a < b;
  };
  const auto kept = static_cast<std::ptrdiff_t>(std::min<std::size_t>(used.size(), segment::kSharesPerSample));
  std::partial_sort(used.begin(), used.begin() + kept, used.end(), is_larger);
  std::vector<ShareRecord> largest;
  for (auto id = used.begin(); id != used.begin() + kept; ++id) largest.push_back(shares[*id]);
  for (const std::uint32_t id : used) shares[id] = {};
  used.clear();
  return largest;
}

// --- the look --------------------------------------------------------------------------------------------------------

EntryScan::EntryScan(const segment::Segment &segment)
    : segment_(segment), sites_(base::kSitesMax + 1), holders_(base::kClientsMax) {}

bool EntryScan::step() {
  const std::uint32_t entries = std::min(segment_.entries_reserved(), base::kEntriesMax);
  const std::uint32_t groups = std::clamp(segment_.groups_live(), 1u, base::kGroupsMax);
  const std::uint32_t end = std::min(entries, next_ + std::max(1u, kWordsPerStep / groups));
  for (; next_ < end; ++next_) look_at(next_, groups);
  return next_ >= entries;
}

SampleRecord EntryScan::finish() {
  next_ = 0;
  found_.sites = sites_.take_largest();
  found_.holders = holders_.take_largest();
  return std::exchange(found_, {});
}

void EntryScan::look_at(std::uint32_t entry, std::uint32_t groups) {
  const EntryHeader &header = segment_.entry(entry);
  const std::uint64_t word = word_of(header);
  if (refs::state_of(word) == refs::State::kFree) return;
  std::uint32_t first_holder = 0;
  for (std::uint32_t group = 0; group < groups; ++group) {
    const std::uint64_t held = segment_.set_word(Set::kHolders, group, entry).load(std::memory_order_relaxed);
    if (held == 0) continue;
    found_.references += static_cast<std::uint64_t>(std::popcount(held));
    const std::uint32_t first = group * base::kClientsPerGroup + static_cast<std::uint32_t>(std::countr_zero(held));
    if (first_holder == 0) first_holder = first;
  }
  std::uint64_t bytes = bytes_of(header, word);
  found_.used_bytes += bytes;
  if (refs::is_described(word)) {
    const Kind kind = read_once(header.kind);
    if (kind == Kind::kBuffer) return;  // its bytes are told with the object that they belong to
    if (kind == Kind::kForward) bytes += buffer_bytes_of(header);
    if (segment::is_object(kind)) ++found_.objects;
  } else {
    ++found_.objects;
  }
  sites_.add(read_once(header.site), bytes);
  holders_.add(first_holder, bytes);
}

// As the raylet's own figures count: of what has no block, what is written in the entry.
std::uint64_t EntryScan::bytes_of(const EntryHeader &header, std::uint64_t word) const {
  if (read_once(header.offset) != segment::kInlineOffset)
    return std::min(read_once(header.capacity_bytes), segment_.capacity_bytes());
  return refs::is_described(word) ? std::min<std::uint64_t>(read_once(header.size), segment::kInlineBytes) : 0;
}

std::uint64_t EntryScan::buffer_bytes_of(const EntryHeader &header) const {
  segment::ForwardTarget target{};
  std::memcpy(&target, header.inline_bytes, sizeof target);
  if (target.entry >= std::min(segment_.entries_reserved(), base::kEntriesMax)) return 0;
  const EntryHeader &buffer = segment_.entry(target.entry);
  const std::uint64_t word = word_of(buffer);
  return refs::names(word, target.generation) ? bytes_of(buffer, word) : 0;
}

SampleRecord look_once(const segment::Segment &segment) {
  EntryScan scan(segment);
  while (!scan.step()) {
  }
  return scan.finish();
}

// --- the pace --------------------------------------------------------------------------------------------------------

std::uint64_t SamplePace::finish(std::int64_t now_ns) {
  const std::int64_t cost_ns = std::exchange(cost_ns_, 0);
  credit_ns_ = credit_ns(now_ns) - cost_ns;
  due_ns_ = now_ns + std::max(interval_ns_, cost_ns * kCostFactor);
  const bool replaces = number_ > 1 && now_ns - before_newest_ns_ < interval_ns_;
  if (!replaces) {
    before_newest_ns_ = newest_ns_;
    ++number_;
  }
  newest_ns_ = now_ns;
  return number_;
}

}  // namespace mobula::objects
