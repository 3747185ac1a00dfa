// The store's figures and descriptions: rare, and they look at every entry.
#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "raylet/store.h"
#include "refs/sets.h"

namespace mobula::raylet {
namespace {

constexpr std::size_t kHoldersNamed = 5;

}  // namespace

StoreFigures Store::figures() const {
  StoreFigures figures;
  figures.capacity_bytes = segment_.capacity_bytes();
  figures.evictions = evictions_;
  figures.evicted_bytes = evicted_bytes_;
  figures.freed = freed_;
  figures.names = names_.size();
  figures.free_bytes = free_bytes();
  figures.largest_free_bytes = blocks_.largest_free_bytes();
  figures.retired_entries = retired_;
  for (std::uint32_t entry = 0; entry < index_.size(); ++entry) {
    const objects::EvictionFacts facts = facts_of(entry);
    const segment::EntryHeader &header = segment_.entry(entry);
    const bool is_described = refs::is_described(word_of(entry));
    const std::uint64_t block_bytes =
        index_[entry].offset == segment::kInlineOffset ? 0 : blocks_.block_bytes_at(index_[entry].offset);
    if (facts.state == refs::State::kFree) {
      figures.pooled_bytes += block_bytes;
      continue;
    }
    const std::uint64_t inline_bytes = is_described ? std::min(header.size, segment::kInlineBytes) : 0;
    figures.used_bytes += index_[entry].offset == segment::kInlineOffset ? inline_bytes : block_bytes;
    if (is_described && !segment::is_object(header.kind)) continue;
    ++figures.objects;
    if (facts.held || facts.raylet_refs != 0) ++figures.referenced_objects;
    if (facts.pinned) ++figures.pinned_objects;
    if (facts.retained) ++figures.retained_objects;
    if (objects::is_evictable(facts)) ++figures.evictable_objects;
  }
  return figures;
}

std::vector<std::uint64_t> Store::held_counts() const {
  std::vector<std::uint64_t> counts(base::kClientsMax, 0);
  const std::uint32_t groups = segment_.groups_live();
  for (std::uint32_t entry = 0; entry < index_.size(); ++entry) {
    // Rows of free lists hold FREE entries; those are no objects.
    if (refs::state_of(word_of(entry)) == refs::State::kFree) continue;
    refs::for_each_client(segment_, segment::Set::kHolders, entry, groups,
                          [&counts](std::uint32_t client) { ++counts[client]; });
  }
  return counts;
}

std::string Store::describe_holders(const std::function<std::string(std::uint32_t)> &name_of_client) const {
  struct Held {
    std::uint64_t bytes = 0;
    std::uint64_t objects = 0;
    std::uint32_t client = 0;
  };
  std::vector<Held> held(base::kClientsMax);
  std::uint64_t by_raylet_bytes = 0;
  const std::uint32_t groups = segment_.groups_live();
  for (std::uint32_t entry = 0; entry < index_.size(); ++entry) {
    if (refs::state_of(word_of(entry)) == refs::State::kFree || index_[entry].offset == segment::kInlineOffset)
      continue;
    const std::uint64_t bytes = blocks_.block_bytes_at(index_[entry].offset);
    if (index_[entry].raylet_refs != 0) by_raylet_bytes += bytes;
    refs::for_each_client(segment_, segment::Set::kHolders, entry, groups, [&held, bytes](std::uint32_t client) {
      held[client].client = client;
      held[client].bytes += bytes;
      ++held[client].objects;
    });
  }
  std::erase_if(held, [](const Held &one) { return one.objects == 0; });
  std::sort(held.begin(), held.end(), [](const Held &a, const Held &b) { return a.bytes > b.bytes; });
  std::string text = fmt::format("the store holds {}, {} in use", base::format_bytes(segment_.capacity_bytes()),
                                 base::format_bytes(blocks_.used_bytes()));
  for (std::size_t i = 0; i < held.size() && i < kHoldersNamed; ++i) {
    text += fmt::format("; {} holds {} in {} objects", name_of_client(held[i].client),
                        base::format_bytes(held[i].bytes), held[i].objects);
  }
  if (held.size() > kHoldersNamed) text += fmt::format("; and {} more processes", held.size() - kHoldersNamed);
  if (by_raylet_bytes != 0) text += fmt::format("; tasks and containers keep {}", base::format_bytes(by_raylet_bytes));
  return text;
}

}  // namespace mobula::raylet
