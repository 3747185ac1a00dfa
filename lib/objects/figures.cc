#include "objects/figures.h"

#include <algorithm>
#include <vector>

#include "objects/client_rows.h"
#include "objects/eviction_policy.h"
#include "refs/sets.h"

namespace mobula::objects {
namespace {

using refs::State;
using runtime::ProcessStats;
using runtime::RefCount;
using runtime::StoreStats;
using segment::ClientKind;
using segment::EntryHeader;
using segment::Segment;

constexpr std::uint32_t kSession = 0;  // its pin has no row

// What the header says, each cut to its limit.
struct Limits {
  explicit Limits(const Segment &segment)
      : entries(std::min(segment.header().entries_reserved.load(), base::kEntriesMax)),
        groups(std::min(segment.header().groups_live.load(), base::kGroupsMax)),
        clients(std::min(segment.header().clients_reserved.load(), base::kClientsMax)) {}
  std::uint32_t entries;
  std::uint32_t groups;
  std::uint32_t clients;
};

// acquire: the description that was written before the entry was settled.
std::uint64_t word_of(const EntryHeader &header) { return header.state.load(std::memory_order_acquire); }

// True for a process that has not ended. What is left of one that is being reaped says nothing.
bool is_process(const segment::ClientSlot &slot) {
  const ClientKind kind = read_once(slot.kind);
  return (kind == ClientKind::kDriver || kind == ClientKind::kWorker) && slot.reaping.load() == 0;
}

// --- the store -------------------------------------------------------------------------------------------------------

class StoreReader {
 public:
  explicit StoreReader(const Segment &segment) : segment_(segment), limits_(segment), processes_(limits_.clients) {}

  StoreStats read() {
    read_header();
    for (std::uint32_t entry = 0; entry < limits_.entries; ++entry) read_entry(entry);
    for (std::uint32_t client = 1; client < limits_.clients; ++client) read_client(client);
    return std::move(stats_);
  }

 private:
  void read_header() {
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
  void read_entry(std::uint32_t entry) {
    const EntryHeader &header = segment_.entry(entry);
    const std::uint64_t word = word_of(header);
    const bool is_described = refs::is_described(word);
    const bool is_inline = read_once(header.offset) == segment::kInlineOffset;
    EvictionFacts facts;
    facts.state = refs::state_of(word);
    if (facts.state == State::kFree) {
      if (refs::is_retired(word)) ++stats_.retired_entries;
      // What a withdrawn entry still names is no block of it any more (rule 22).
      if (!is_inline && !refs::is_evicting(word)) stats_.pooled_bytes += read_once(header.capacity_bytes);
      return;
    }
    const std::uint64_t inline_bytes =
        is_described ? std::min<std::uint64_t>(read_once(header.size), segment::kInlineBytes) : 0;
    stats_.used_bytes += is_inline ? inline_bytes : read_once(header.capacity_bytes);
    facts.raylet_refs = header.raylet_refs.load(std::memory_order_acquire);
    facts.retained = header.retained.load(std::memory_order_relaxed) != 0;
    stats_.raylet_references += facts.raylet_refs;
    refs::for_each_client(segment_, segment::Set::kHolders, entry, limits_.groups, [&](std::uint32_t client) {
      facts.held = true;
      if (client < limits_.clients) ++processes_[client].objects;
    });
    refs::for_each_client(segment_, segment::Set::kPins, entry, limits_.groups, [&](std::uint32_t client) {
      facts.pinned = true;
      if (client == kSession) ++stats_.pins;
    });
    if (!is_described || segment::is_object(read_once(header.kind))) count_object(facts);
  }

  void count_object(const EvictionFacts &facts) {
    ++stats_.objects;
    if (facts.held || facts.raylet_refs != 0) ++stats_.referenced_objects;
    if (facts.pinned) ++stats_.pinned_objects;
    if (facts.retained) ++stats_.retained_objects;
    if (is_evictable(facts)) ++stats_.evictable_objects;
  }

  void read_client(std::uint32_t client) {
    const segment::ClientSlot &slot = segment_.client(client);
    if (!is_process(slot)) return;
    ProcessStats &process = processes_[client];
    process.pid = read_once(slot.pid);
    process.kind =
        read_once(slot.kind) == ClientKind::kWorker ? runtime::ProcessKind::kWorker : runtime::ProcessKind::kDriver;
    process.hits = slot.hits.load();
    process.misses = slot.misses.load();
    for_each_row(segment_, client, [&](const RowCopy &row) {
      // The rows of free lists have FREE entries; those are no objects.
      if (row.entry >= limits_.entries || refs::state_of(word_of(segment_.entry(row.entry))) == State::kFree) return;
      process.handles += row.count;
      process.pins += row.pins;
    });
    stats_.handles += process.handles;
    stats_.pins += process.pins;
    stats_.hits += process.hits;
    stats_.misses += process.misses;
    stats_.processes.push_back(process);
  }

  const Segment &segment_;
  const Limits limits_;
  StoreStats stats_;
  std::vector<ProcessStats> processes_;  // by client id
};

}  // namespace

std::optional<RefCount> count_references(const Segment &segment, const refs::ObjectName &name) {
  const Limits limits(segment);
  if (name.entry >= limits.entries) return std::nullopt;
  const EntryHeader &header = segment.entry(name.entry);
  RefCount count;
  refs::for_each_client(segment, segment::Set::kHolders, name.entry, limits.groups, [&](std::uint32_t client) {
    if (client == kSession || client >= limits.clients || !is_process(segment.client(client))) return;
    ++count.processes;
    for_each_row(segment, client, [&](const RowCopy &row) {
      if (row.entry != name.entry) return;
      count.handles += row.count;
      count.pins += row.pins;
    });
  });
  if ((segment.set_word(segment::Set::kPins, 0, name.entry).load() & 1) != 0) ++count.pins;
  count.raylet_references = header.raylet_refs.load(std::memory_order_acquire);
  const std::uint32_t retained = header.retained.load(std::memory_order_relaxed);
  count.named = has(retained, segment::Retained::kNamed);
  count.weakly_held = has(retained, segment::Retained::kWeak);
  count.retained = has(retained, segment::Retained::kAsked);
  // Freed meanwhile: what was counted may be of the next tenant.
  if (!refs::names(word_of(header), name.generation)) return std::nullopt;
  return count;
}

StoreStats read_store_stats(const Segment &segment) { return StoreReader(segment).read(); }

}  // namespace mobula::objects
