// The mark pass: containers that only keep each other are freed together, by one verdict (rule 39).
#include "base/crash_points.h"
#include "objects/mark_pass.h"
#include "raylet/store.h"
#include "refs/evict.h"

namespace mobula::raylet {

using refs::ObjectName;

// Weak references alone do not make a root: they find nothing afterwards.
std::vector<std::uint32_t> Store::find_unreachable() const {
  constexpr auto kWeak = static_cast<std::uint32_t>(segment::Retained::kWeak);
  objects::MarkPass pass;
  for (const auto &[entry, contained] : contained_) {
    std::vector<std::uint32_t> contents;
    contents.reserve(contained.size());
    for (const ObjectName &inner : contained) contents.push_back(inner.entry);
    const objects::EvictionFacts facts = facts_of(entry);
    const bool is_root =
        !refs::is_settled(facts.state) || facts.held || facts.pinned || (index_[entry].retained & ~kWeak) != 0;
    pass.add(entry, is_root, facts.raylet_refs, std::move(contents));
  }
  return pass.unreachable();
}

// Every member leads a taker to the first one, before its flag can be seen. The first one is flagged first: it has its
// flag for as long as nobody has rescued any of them.
bool Store::flag_group(const std::vector<std::uint32_t> &group, std::vector<std::uint64_t> *flagged) {
  const std::uint32_t representative = group.front();
  for (const std::uint32_t entry : group) {
    const std::uint32_t word = entry == representative ? 0 : representative + 1;
    segment_.entry(entry).group.store(word, std::memory_order_seq_cst);
  }
  for (const std::uint32_t entry : group) {
    std::uint64_t word = 0;
    if (!refs::begin_evict(segment_.entry(entry), &word)) return false;
    flagged->push_back(word);
  }
  for (const std::uint32_t entry : group) {
    if (refs::is_referenced(segment_, entry, segment_.groups_live())) return false;
  }
  return true;
}

// Flags first: a flag without its group word would be rescued alone.
void Store::cancel_group(const std::vector<std::uint32_t> &group, const std::vector<std::uint64_t> &flagged) {
  for (std::size_t i = 0; i < flagged.size(); ++i) refs::cancel_evict(segment_.entry(group[i]), flagged[i]);
  for (const std::uint32_t entry : group) segment_.entry(entry).group.store(0, std::memory_order_seq_cst);
}

// After the drain: nothing has come to refer to any of them, and the one verdict is given.
bool Store::condemn_group(const std::vector<std::uint32_t> &group, const std::vector<std::uint64_t> &flagged) {
  if (find_unreachable() != group) return false;
  if (!refs::finish_evict(segment_.entry(group.front()), flagged.front())) return false;
  base::crash_point(base::CrashPoint::kRayletCondemned);
  return true;
}

Freed Store::free_group(const std::vector<std::uint32_t> &group, const std::vector<std::uint64_t> &flagged,
                        const Report &report) {
  Freed freed;
  std::vector<std::uint32_t> members;
  for (std::size_t i = 0; i < group.size(); ++i) {
    // Nobody can rescue it any more, but a client that breaks the protocol may have written the word.
    if (i != 0 && !refs::finish_evict(segment_.entry(group[i]), flagged[i])) continue;
    if (report) report({group[i], refs::generation_of(flagged[i])});
    freed.bytes += block_bytes_of(group[i]);
    members.push_back(group[i]);
  }
  // All contents are let go before any entry is anybody's again.
  for (const std::uint32_t entry : members) drop_contained(entry);
  for (const std::uint32_t entry : group) segment_.entry(entry).group.store(0, std::memory_order_seq_cst);
  for (const std::uint32_t entry : members) free_entry(entry);
  freed.objects = members.size();
  return freed;
}

Freed Store::collect_cycles(const std::function<void()> &drain, const Report &report) {
  containers_seen_ = containers_made_;
  const std::vector<std::uint32_t> group = find_unreachable();
  if (group.empty()) return {};
  std::vector<std::uint64_t> flagged;
  const bool is_flagged = flag_group(group, &flagged);
  if (is_flagged) drain();
  if (is_flagged && condemn_group(group, flagged)) return free_group(group, flagged, report);
  cancel_group(group, flagged);
  containers_seen_ = 0;  // somebody took one: what is left of the group is for the next pass
  return {};
}

}  // namespace mobula::raylet
