// Objects that outlive their references: names, weak references, retention on request, and the pass that frees them.
#include "base/clock.h"
#include "base/crash_points.h"
#include "raylet/store.h"
#include "refs/evict.h"
#include "segment/notes.h"

namespace mobula::raylet {
namespace {

constexpr std::size_t kVictimsPerBatch = 256;  // bounds how long the loop is away from its rings

}  // namespace

using refs::ObjectName;
using segment::Retained;

// --- why -------------------------------------------------------------------------------------------------------------

void Store::set_retained(std::uint32_t entry, Retained why, bool on) {
  std::uint32_t &retained = index_[entry].retained;
  const auto bit = static_cast<std::uint32_t>(why);
  retained = on ? retained | bit : retained & ~bit;
  segment_.entry(entry).retained.store(retained, std::memory_order_release);
  base::crash_point(base::CrashPoint::kRayletRetained);
  if (retained != 0) return;
  retained_order_.erase(entry);
  suggest(entry);
}

// An object is freed by its creator alone while nobody was told of it; whoever names it then must take it from there,
// or what keeps it would pass to the entry's next tenant. A task's result was told, and its word must stay its worker's
// until the task is over. One that is flagged has lost its last holder, so it was told, too.
bool Store::can_outlive(const ObjectName &name) {
  if (!is_named(name)) return false;
  return index_[name.entry].task != 0 || refs::is_evicting(word_of(name.entry)) || take_from_creator(name);
}

void Store::retain(const ObjectName &name, bool retained) {
  if (can_outlive(name)) set_retained(name.entry, Retained::kAsked, retained);
}

bool Store::hold_weakly(std::uint32_t client, const ObjectName &name, bool held) {
  if (!can_outlive(name)) return true;  // gone meanwhile: its weak references find nothing
  if (held && !weak_holders_.add(client, name.entry, base::kWeakNamesMax)) return false;
  if (!held) weak_holders_.remove(client, name.entry);
  set_retained(name.entry, Retained::kWeak, weak_holders_.holds(name.entry));
  return true;
}

bool Store::forget_weak_of(std::uint32_t client, std::uint32_t count) {
  std::optional<std::uint32_t> entry = weak_holders_.any_of(client);
  for (; entry && count != 0; --count) {
    weak_holders_.remove(client, *entry);
    set_retained(*entry, Retained::kWeak, weak_holders_.holds(*entry));
    entry = weak_holders_.any_of(client);
  }
  return entry.has_value();
}

refs::NameTable::Change Store::publish(std::string_view name, const ObjectName &object, bool replace) {
  if (!can_outlive(object)) return refs::NameTable::Change::kNoObject;
  std::uint32_t replaced = segment::kNoEntry;
  const refs::NameTable::Change change = names_.publish(name, object, replace, &replaced);
  if (change != refs::NameTable::Change::kDone) return change;
  set_retained(object.entry, Retained::kNamed, true);
  if (replaced != segment::kNoEntry) set_retained(replaced, Retained::kNamed, names_.count_of(replaced) != 0);
  return change;
}

bool Store::unpublish(std::string_view name) {
  const std::uint32_t entry = names_.unpublish(name);
  if (entry == segment::kNoEntry) return false;
  set_retained(entry, Retained::kNamed, names_.count_of(entry) != 0);
  return true;
}

// The object is freed, for whatever reason.
void Store::forget_retention(std::uint32_t entry) {
  if (index_[entry].retained == 0) return;
  names_.unpublish_all(entry);
  weak_holders_.remove_entry(entry);
  retained_order_.erase(entry);
  index_[entry].retained = 0;
  segment_.entry(entry).retained.store(0, std::memory_order_release);
}

// --- the eviction pass -----------------------------------------------------------------------------------------------

// When it was taken last, or made. A client may have made that up: then it only changes when its object is evicted.
std::uint64_t Store::last_used_ns(std::uint32_t entry) const {
  const segment::EntryHeader &header = segment_.entry(entry);
  const auto created_ns = static_cast<std::uint64_t>(header.created_ns);
  return std::max(created_ns, header.last_taken_ns.load(std::memory_order_relaxed));
}

std::uint64_t Store::block_bytes_of(std::uint32_t entry) const {
  const std::uint64_t offset = index_[entry].offset;
  std::uint64_t bytes = offset == segment::kInlineOffset ? 0 : blocks_.block_bytes_at(offset);
  const auto contained = contained_.find(entry);
  if (contained == contained_.end()) return bytes;
  // A large result's bytes lie in a buffer of its own.
  for (const ObjectName &inner : contained->second) {
    const bool is_buffer = is_named(inner) && segment_.entry(inner.entry).kind == segment::Kind::kBuffer;
    if (is_buffer && index_[inner.entry].offset != segment::kInlineOffset) {
      bytes += blocks_.block_bytes_at(index_[inner.entry].offset);
    }
  }
  return bytes;
}

// True when it is flagged now.
bool Store::is_victim(std::uint32_t entry, std::uint64_t *flagged) {
  return index_[entry].is_out && objects::is_evictable(facts_of(entry)) && flag(entry, flagged);
}

void Store::note_victim(const ObjectName &name, std::uint32_t retained, std::uint64_t bytes) {
  if (log_.is_on()) log_.add(segment::Event::kEvict, name, 0, bytes);
  segment::SegmentHeader &header = segment_.header();
  segment::Victim &victim = segment_.victim(++evictions_);
  segment::write_note(victim, evictions_, [&] {
    victim.entry.store(name.entry, std::memory_order_relaxed);
    victim.generation.store(name.generation, std::memory_order_relaxed);
    victim.retained.store(retained, std::memory_order_relaxed);
    victim.bytes.store(bytes, std::memory_order_relaxed);
    victim.evicted_ns.store(static_cast<std::uint64_t>(base::coarse_ns()), std::memory_order_relaxed);
  });
  evicted_bytes_ += bytes;
  header.evicted_bytes.store(evicted_bytes_, std::memory_order_relaxed);
  header.evictions.store(evictions_, std::memory_order_release);
}

Freed Store::evict(std::uint64_t bytes, bool needs_bytes, const std::function<void()> &drain) {
  flagged_.clear();
  std::uint64_t expected_bytes = 0;
  while (flagged_.size() < kVictimsPerBatch && (flagged_.empty() || expected_bytes < bytes)) {
    const std::optional<std::uint32_t> entry = retained_order_.pop(needs_bytes);
    if (!entry) break;
    // What somebody refers to now is not put back: when it is dropped we hear of it again.
    std::uint64_t flagged = 0;
    if (!is_victim(*entry, &flagged)) continue;
    flagged_.emplace_back(*entry, flagged);
    expected_bytes += block_bytes_of(*entry);
  }
  Freed freed;
  if (flagged_.empty()) return freed;
  drain();
  for (const auto &[entry, flagged] : flagged_) {
    segment::EntryHeader &header = segment_.entry(entry);
    const std::uint64_t entry_bytes = block_bytes_of(entry);
    const std::uint32_t retained = index_[entry].retained;
    if (index_[entry].raylet_refs != 0) {
      refs::cancel_evict(header, flagged);
    } else if (refs::finish_evict(header, flagged)) {
      note_victim({entry, refs::generation_of(flagged)}, retained, entry_bytes);
      free_entry(entry);
      ++freed.objects;
      freed.bytes += entry_bytes;
      continue;
    }
    suggest(entry);
  }
  return freed;
}

}  // namespace mobula::raylet
