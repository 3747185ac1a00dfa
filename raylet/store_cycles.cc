// The mark pass: containers that only keep each other are freed together, by one verdict for each group (rule 39).
#include <algorithm>

#include "base/crash_points.h"
#include "objects/mark_pass.h"
#include "raylet/store.h"
#include "refs/evict.h"
#include "refs/row_table.h"

namespace mobula::raylet {
namespace {

// Containers that must have come since the last pass for another one that nobody asked for, of those there are: so all
// passes together cost O(1) for each container that was made.
constexpr std::uint64_t kPartOfContainers = 8;

}  // namespace

using refs::ObjectName;

// A group under its verdict.
struct Store::Condemned {
  std::vector<std::uint32_t> members;
  std::vector<std::uint64_t> flagged;  // words, by member, as far as they were flagged
  bool is_flagged = false;             // all of them, and nobody was seen
};

// The buffer of a large result contains nothing, so it makes no cycle.
void Store::note_nesting(std::uint32_t container, const ObjectName &inner) {
  if (segment_.entry(inner.entry).kind == segment::Kind::kBuffer && refs::is_described(word_of(inner.entry))) return;
  if (nesting_.insert(container).second) ++containers_made_;
}

bool Store::may_have_cycles() const {
  return containers_made_ - containers_seen_ > nesting_.size() / kPartOfContainers;
}

// Weak references alone do not make a root: they find nothing afterwards.
std::vector<std::vector<std::uint32_t>> Store::find_unreachable() const {
  constexpr auto kWeak = static_cast<std::uint32_t>(segment::Retained::kWeak);
  objects::MarkPass pass;
  for (const std::uint32_t entry : nesting_) {
    const objects::EvictionFacts facts = facts_of(entry);
    const bool is_root =
        !refs::is_settled(facts.state) || facts.held || facts.pinned || (index_[entry].retained & ~kWeak) != 0;
    pass.add(entry, is_root, facts.raylet_refs, contents_of(entry));
  }
  return pass.unreachable();
}

std::vector<std::uint32_t> Store::contents_of(std::uint32_t container) const {
  std::vector<std::uint32_t> contents;
  for (const ObjectName &inner : contained_.at(container)) contents.push_back(inner.entry);
  return contents;
}

std::vector<std::uint32_t> Store::entries_in_rows(std::span<const std::uint64_t> row_offsets) const {
  std::vector<std::uint32_t> entries;
  for (std::uint32_t chunk = 0; chunk < row_offsets.size(); ++chunk) {
    const segment::Row *const rows = segment_.rows(row_offsets[chunk]);
    for (std::uint32_t row = 0; row < refs::rows_in_chunk(chunk); ++row) {
      const std::uint32_t entry = rows[row].entry_plus_1.load(std::memory_order_acquire) - 1;
      if (is_entry(entry) && index_[entry].is_out) entries.push_back(entry);
    }
  }
  return entries;
}

// Kept by a process other than those of the masks, which hold the bits of idle actors by group.
bool Store::is_root(std::uint32_t entry, std::span<const std::uint64_t> masks) const {
  constexpr auto kWeak = static_cast<std::uint32_t>(segment::Retained::kWeak);
  if (!refs::is_settled(word_of(entry)) || (index_[entry].retained & ~kWeak) != 0) return true;
  for (std::uint32_t group = 0; group < masks.size(); ++group) {
    for (const segment::Set set : {segment::Set::kHolders, segment::Set::kPins}) {
      if ((segment_.set_word(set, group, entry).load(std::memory_order_seq_cst) & ~masks[group]) != 0) return true;
    }
  }
  return false;
}

std::vector<ObjectName> Store::unreachable_actors(std::span<const IdleActor> idle) const {
  std::vector<std::uint64_t> masks(segment_.groups_live(), 0);
  for (const IdleActor &actor : idle) {
    masks[actor.client / base::kClientsPerGroup] |= 1ull << (actor.client % base::kClientsPerGroup);
  }
  objects::MarkPass pass;
  for (const std::uint32_t entry : nesting_) {
    pass.add(entry, is_root(entry, masks), index_[entry].raylet_refs, contents_of(entry));
  }
  for (const IdleActor &actor : idle) {
    const std::uint32_t entry = actor.entry.entry;
    pass.add(entry, is_root(entry, masks), index_[entry].raylet_refs, {});
    pass.add_held(entry, entries_in_rows(actor.row_offsets));
  }
  std::unordered_set<std::uint32_t> unreachable;
  for (const objects::MarkPass::Group &group : pass.unreachable()) unreachable.insert(group.begin(), group.end());
  std::vector<ObjectName> actors;
  for (const IdleActor &actor : idle) {
    if (unreachable.count(actor.entry.entry) != 0) actors.push_back(actor.entry);
  }
  return actors;
}

// Every member leads a taker to the first one, before its flag can be seen. The first one is flagged first: it has its
// flag for as long as nobody has rescued any of them.
void Store::flag_group(Condemned *group) {
  const std::uint32_t representative = group->members.front();
  for (const std::uint32_t entry : group->members) {
    const std::uint32_t word = entry == representative ? 0 : representative + 1;
    segment_.entry(entry).group.store(word, std::memory_order_seq_cst);
  }
  for (const std::uint32_t entry : group->members) {
    std::uint64_t word = 0;
    if (!refs::begin_evict(segment_.entry(entry), &word)) return;
    group->flagged.push_back(word);
  }
  group->is_flagged = std::none_of(group->members.begin(), group->members.end(), [this](std::uint32_t entry) {
    return refs::is_referenced(segment_, entry, segment_.groups_live());
  });
}

// Flags first: a flag without its group word would be rescued alone.
void Store::cancel_group(const Condemned &group) {
  for (std::size_t i = 0; i < group.flagged.size(); ++i) {
    refs::cancel_evict(segment_.entry(group.members[i]), group.flagged[i]);
  }
  for (const std::uint32_t entry : group.members) segment_.entry(entry).group.store(0, std::memory_order_seq_cst);
}

Freed Store::free_group(const Condemned &group, const Report &report) {
  Freed freed;
  std::vector<std::uint32_t> members;
  for (std::size_t i = 0; i < group.members.size(); ++i) {
    const std::uint32_t entry = group.members[i];
    // Nobody can rescue it any more, but a client that breaks the protocol may have written the word.
    if (i != 0 && !refs::finish_evict(segment_.entry(entry), group.flagged[i])) continue;
    if (report) report({entry, refs::generation_of(group.flagged[i])});
    freed.bytes += block_bytes_of(entry);
    members.push_back(entry);
  }
  // All contents are let go before any entry is anybody's again.
  for (const std::uint32_t entry : members) drop_contained(entry);
  for (const std::uint32_t entry : group.members) segment_.entry(entry).group.store(0, std::memory_order_seq_cst);
  for (const std::uint32_t entry : members) free_entry(entry);
  freed.objects = members.size();
  return freed;
}

Freed Store::collect_cycles(const std::function<void()> &drain, const Report &report) {
  containers_seen_ = containers_made_;
  std::vector<Condemned> groups;
  for (std::vector<std::uint32_t> &members : find_unreachable()) groups.push_back({std::move(members), {}, false});
  if (groups.empty()) return {};
  for (Condemned &group : groups) flag_group(&group);
  drain();
  // What came while the rings were read, from tasks or from containers outside, is seen by marking again.
  const std::vector<std::vector<std::uint32_t>> still = find_unreachable();
  Freed freed;
  for (const Condemned &group : groups) {
    const bool is_garbage = group.is_flagged && std::binary_search(still.begin(), still.end(), group.members);
    if (!is_garbage || !refs::finish_evict(segment_.entry(group.members.front()), group.flagged.front())) {
      cancel_group(group);
      ++groups_rescued_;
      continue;
    }
    base::crash_point(base::CrashPoint::kRayletCondemned);
    const Freed of_group = free_group(group, report);
    freed.objects += of_group.objects;
    freed.bytes += of_group.bytes;
  }
  return freed;
}

}  // namespace mobula::raylet
