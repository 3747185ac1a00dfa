#include "objects/store_scan.h"

#include <algorithm>

#include "base/clock.h"
#include "objects/client_rows.h"
#include "objects/eviction_policy.h"
#include "refs/sets.h"

namespace mobula::objects {
namespace {

using refs::State;
using segment::ClientKind;
using segment::EntryHeader;

constexpr std::uint32_t kSession = 0;  // its pin has no row

// acquire: the description that was written before the entry was settled.
std::uint64_t word_of(const EntryHeader &header) { return header.state.load(std::memory_order_acquire); }

}  // namespace

ScanLimits::ScanLimits(const segment::Segment &segment)
    : entries(std::min(segment.header().entries_reserved.load(), base::kEntriesMax)),
      groups(std::min(segment.header().groups_live.load(), base::kGroupsMax)),
      clients(std::min(segment.header().clients_reserved.load(), base::kClientsMax)) {}

bool is_process(const segment::ClientSlot &slot) {
  const ClientKind kind = read_once(slot.kind);
  return (kind == ClientKind::kDriver || kind == ClientKind::kWorker) && slot.reaping.load() == 0;
}

StoreScan::StoreScan(const segment::Segment &segment, std::function<void(std::uint32_t)> on_spec)
    : segment_(segment), on_spec_(std::move(on_spec)), limits_(segment), processes_(limits_.clients) {
  read_header();
}

bool StoreScan::step(std::uint64_t looks) {
  const std::uint64_t looks_per_entry = 1 + 2 * std::uint64_t{limits_.groups};
  for (; entry_ < limits_.entries && looks != 0; looks -= std::min(looks, looks_per_entry)) read_entry(entry_++);
  while (looks != 0 && entry_ >= limits_.entries && client_ < limits_.clients) {
    looks -= std::min(looks, read_some_rows(looks));
  }
  return entry_ < limits_.entries || client_ < limits_.clients;
}

void StoreScan::read_header() {
  const segment::SegmentHeader &header = segment_.header();
  stats_.capacity_bytes = segment_.capacity_bytes();
  stats_.free_bytes = stats_.capacity_bytes - std::min(header.block_bytes.load(), stats_.capacity_bytes);
  stats_.largest_free_bytes = std::min(header.largest_free_bytes.load(), stats_.free_bytes);
  stats_.freed = header.freed.load();
  stats_.evictions = header.evictions.load();
  stats_.evicted_bytes = header.evicted_bytes.load();
  stats_.hits = header.hits_of_gone.load();
  stats_.misses = header.misses_of_gone.load();
}

// As the raylet's own figures count.
void StoreScan::read_entry(std::uint32_t entry) {
  const EntryHeader &header = segment_.entry(entry);
  const std::uint64_t word = word_of(header);
  const bool is_inline = read_once(header.offset) == segment::kInlineOffset;
  if (refs::state_of(word) == State::kFree) {
    if (refs::is_retired(word)) ++stats_.retired_entries;
    // What a withdrawn entry still names is no block of it any more (rule 22).
    if (!is_inline && !refs::is_evicting(word)) stats_.pooled_bytes += read_once(header.capacity_bytes);
    return;
  }
  const bool is_described = refs::is_described(word);
  const std::uint64_t inline_bytes =
      is_described ? std::min<std::uint64_t>(read_once(header.size), segment::kInlineBytes) : 0;
  stats_.used_bytes += is_inline ? inline_bytes : read_once(header.capacity_bytes);
  stats_.raylet_references += header.raylet_refs.load(std::memory_order_acquire);
  bool held = false;
  bool pinned = false;
  refs::for_each_client(segment_, segment::Set::kHolders, entry, limits_.groups, [&](std::uint32_t client) {
    held = true;
    ++references_;
    if (client < limits_.clients) ++processes_[client].objects;
  });
  refs::for_each_client(segment_, segment::Set::kPins, entry, limits_.groups, [&](std::uint32_t client) {
    pinned = true;
    if (client == kSession) ++stats_.pins;
  });
  if (!is_described || segment::is_object(read_once(header.kind))) count_object(entry, word, held, pinned);
  if (is_described && on_spec_ && read_once(header.kind) == segment::Kind::kSpec) on_spec_(entry);
}

void StoreScan::count_object(std::uint32_t entry, std::uint64_t word, bool held, bool pinned) {
  const EntryHeader &header = segment_.entry(entry);
  const EvictionFacts facts{refs::state_of(word), held, pinned, header.raylet_refs.load(std::memory_order_acquire),
                            header.retained.load(std::memory_order_relaxed) != 0};
  ++stats_.objects;
  if (facts.state == State::kCreating) ++unsealed_;
  if (facts.held || facts.raylet_refs != 0) ++stats_.referenced_objects;
  if (facts.pinned) ++stats_.pinned_objects;
  if (facts.retained) ++stats_.retained_objects;
  if (is_evictable(facts)) ++stats_.evictable_objects;
}

// Up to so many rows of the present client's present chunk. Returns how many, at least 1.
std::uint64_t StoreScan::read_some_rows(std::uint64_t looks) {
  if (client_ == kSession || !is_process(segment_.client(client_))) {
    ++client_;
    chunk_ = row_ = 0;
    return 1;
  }
  if (chunk_ == 0 && row_ == 0) begin_client();
  const std::span<const segment::Row> rows = rows_of(segment_, client_, chunk_);
  const std::uint64_t last = std::min<std::uint64_t>(rows.size(), row_ + looks);
  const std::uint64_t first = row_;
  for (; row_ < last; ++row_) {
    if (const std::optional<RowCopy> copy = copy_row(rows[row_])) count_row(*copy, &processes_[client_]);
  }
  if (row_ >= rows.size()) {
    row_ = 0;
    if (++chunk_ >= chunks_of(segment_, client_)) end_client();
  }
  return std::max<std::uint64_t>(last - std::min(first, last), 1);
}

void StoreScan::begin_client() {
  const segment::ClientSlot &slot = segment_.client(client_);
  runtime::ProcessStats &process = processes_[client_];
  process.pid = read_once(slot.pid);
  process.kind =
      read_once(slot.kind) == ClientKind::kWorker ? runtime::ProcessKind::kWorker : runtime::ProcessKind::kDriver;
  process.hits = slot.hits.load();
  process.misses = slot.misses.load();
}

void StoreScan::end_client() {
  const runtime::ProcessStats &process = processes_[client_];
  stats_.handles += process.handles;
  stats_.pins += process.pins;
  stats_.hits += process.hits;
  stats_.misses += process.misses;
  stats_.processes.push_back(process);
  ++client_;
  chunk_ = row_ = 0;
}

void StoreScan::count_row(const RowCopy &row, runtime::ProcessStats *process) {
  // The rows of free lists have FREE entries; those are no objects.
  if (row.entry >= limits_.entries || refs::state_of(word_of(segment_.entry(row.entry))) == State::kFree) return;
  process->handles += row.count;
  process->pins += row.pins;
  const std::int64_t since_ns = segment_.header().started_ns + row.since_ms * base::kNanosecondsPerMillisecond;
  if (oldest_ns_ == 0 || since_ns < oldest_ns_) oldest_ns_ = since_ns;
}

}  // namespace mobula::objects
