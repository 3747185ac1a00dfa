#include "objects/figures.h"

#include "objects/client_rows.h"
#include "objects/store_scan.h"
#include "refs/sets.h"

namespace mobula::objects {
namespace {

using runtime::RefCount;
using runtime::StoreStats;
using segment::EntryHeader;
using segment::Segment;

constexpr std::uint32_t kSession = 0;  // its pin has no row

// acquire: the description that was written before the entry was settled.
std::uint64_t word_of(const EntryHeader &header) { return header.state.load(std::memory_order_acquire); }

}  // namespace

std::optional<RefCount> count_references(const Segment &segment, const refs::ObjectName &name) {
  const ScanLimits limits(segment);
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

StoreStats read_store_stats(const Segment &segment) {
  StoreScan scan(segment);
  scan.finish();
  return scan.stats();
}

}  // namespace mobula::objects
