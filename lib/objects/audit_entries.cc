// The audit's look at each entry: its state, its sets, and the rows that name it.
#include <fmt/format.h>

#include <algorithm>

#include "base/saturation.h"
#include "base/units.h"
#include "objects/audit_look.h"
#include "refs/names.h"
#include "refs/sets.h"

namespace mobula::objects {
namespace {

using refs::State;

constexpr std::uint32_t kSession = 0;  // its pins are the raylet's to set, and have no rows

bool contains(const std::vector<std::uint32_t> &members, std::uint32_t client) {
  return std::binary_search(members.begin(), members.end(), client);
}

}  // namespace

void AuditLook::look_at_entries() {
  auto next = rows_.cbegin();
  for (std::uint32_t entry = 0; entry < words_.entries; ++entry) {
    const auto first = next;
    while (next != rows_.cend() && next->entry == entry) ++next;
    look_at_entry(entry, {first, next});
  }
}

void AuditLook::look_at_entry(std::uint32_t entry, std::span<const HintedRow> rows) {
  // acquire: the description that was written before the entry was settled.
  const std::uint64_t word = segment_.entry(entry).state.load(std::memory_order_acquire);
  members_.holders.clear();
  members_.pins.clear();
  members_.waiters.clear();
  const auto collect = [&](segment::Set set, std::vector<std::uint32_t> *members) {
    refs::for_each_client(segment_, set, entry, words_.groups,
                          [members](std::uint32_t client) { members->push_back(client); });
  };
  collect(segment::Set::kHolders, &members_.holders);
  collect(segment::Set::kPins, &members_.pins);
  collect(segment::Set::kWaiters, &members_.waiters);
  if (!is_legal(word)) {
    report(Ledger::kEntries, fmt::format("the state word of entry {} is {:#018x}: state {}{}, writer {}", entry, word,
                                         static_cast<std::uint32_t>(refs::state_of(word)),
                                         refs::is_evicting(word) ? " and evicting" : "", refs::writer_of(word)));
  }
  note_block(entry, word);
  if (refs::state_of(word) == State::kFree)
    look_at_free(entry, word);
  else
    look_at_tenant(entry, word, rows);
  compare_rows(entry, word, rows);
  look_at_members(entry, word, rows);
}

bool AuditLook::is_legal(std::uint64_t word) const {
  const State state = refs::state_of(word);
  const bool by_raylet = refs::writer_of(word) == refs::kRayletWriter;
  switch (state) {
    case State::kFree:
      return by_raylet;
    case State::kPending:
      return by_raylet && !refs::is_evicting(word);
    case State::kCreating:
      return !by_raylet && !refs::is_evicting(word);
    case State::kSealed:  // by the raylet: it has taken it from its creator, so that it is not recycled
    case State::kFailed:
      return true;
  }
  return false;
}

// Private recycling keeps bit, hint and a count of one (rule 19). Late waiter bits come and stay (rule 24).
void AuditLook::look_at_free(std::uint32_t entry, std::uint64_t word) {
  const std::uint32_t raylet_refs = segment_.entry(entry).raylet_refs.load(std::memory_order_acquire);
  if (raylet_refs != 0) {
    report(Ledger::kEntries, fmt::format("{} has {} raylet references", describe_entry(entry, word), raylet_refs));
  }
  if (members_.holders.size() > 1) {
    report(Ledger::kEntries, fmt::format("{} is held by {} processes; a pool has one owner: {}, {}",
                                         describe_entry(entry, word), members_.holders.size(),
                                         describe_client(members_.holders[0]), describe_client(members_.holders[1])));
  }
  for (const std::uint32_t client : members_.pins) {
    report(Ledger::kEntries, fmt::format("{} is pinned by {}", describe_entry(entry, word), describe_client(client)));
  }
}

void AuditLook::look_at_tenant(std::uint32_t entry, std::uint64_t word, std::span<const HintedRow> rows) {
  count_object(entry, word);
  const segment::EntryHeader &header = segment_.entry(entry);
  const State state = refs::state_of(word);
  const std::uint32_t writer = refs::writer_of(word);
  if (state == State::kCreating && is_past(writer)) {
    report(Ledger::kEntries, fmt::format("{} is being created by {}: nobody will settle it",
                                         describe_entry(entry, word), describe_client(writer)));
  }
  if (!audit_.raylet_rests) return;  // what it is about to do
  if (refs::is_evicting(word)) {
    report(Ledger::kEntries, fmt::format("{} stays flagged although the raylet rests", describe_entry(entry, word)));
  }
  if (header.group.load(std::memory_order_acquire) != 0) {
    report(Ledger::kEntries,
           fmt::format("{} still has entry {} as its group's representative although the raylet rests",
                       describe_entry(entry, word), header.group.load() - 1));
  }
  const std::uint32_t raylet_refs = header.raylet_refs.load(std::memory_order_acquire);
  if (raylet_refs != 0 || header.retained.load(std::memory_order_relaxed) != 0 || !members_.holders.empty() ||
      !members_.pins.empty())
    return;
  if (!rows.empty()) return;  // somebody counts on it: the bit that is missing is named below
  report(Ledger::kEntries,
         fmt::format("{} is not freed: nobody holds or pins it, and no task or container refers to it; {} bytes",
                     describe_entry(entry, word), header.size));
}

// Each name stands for an object that is retained for it, and the other way round.
void AuditLook::look_at_names() {
  if (!audit_.raylet_rests) return;
  const auto is_retained = [this](std::uint32_t entry) {
    return has(segment_.entry(entry).retained.load(std::memory_order_acquire), segment::Retained::kNamed);
  };
  std::vector<bool> has_name(words_.entries, false);
  for (const refs::ListedName &one : refs::list_names(segment_)) {
    const std::uint32_t entry = one.object.entry;
    const bool is_there =
        entry < words_.entries &&
        refs::names(segment_.entry(entry).state.load(std::memory_order_acquire), one.object.generation);
    if (is_there) has_name[entry] = true;
    if (is_there && is_retained(entry)) continue;
    report(Ledger::kEntries, fmt::format("the name '{}' stands for entry {}, generation {}, which is {}", one.name,
                                         entry, one.object.generation, is_there ? "not retained for it" : "gone"));
  }
  for (std::uint32_t entry = 0; entry < words_.entries; ++entry) {
    if (!is_retained(entry) || has_name[entry]) continue;
    report(Ledger::kEntries, fmt::format("entry {} is retained for a name that it does not have", entry));
  }
}

// As the raylet's own figures count.
void AuditLook::count_object(std::uint32_t entry, std::uint64_t word) {
  const segment::EntryHeader &header = segment_.entry(entry);
  const bool is_described = refs::is_described(word);
  if (is_described && header.offset == segment::kInlineOffset)
    audit_.used_bytes += std::min<std::uint64_t>(header.size, segment::kInlineBytes);
  if (is_described && header.kind == segment::Kind::kSpec)
    ++audit_.specs;
  else if (is_described && header.kind == segment::Kind::kBuffer)
    ++audit_.buffers;
  else
    ++audit_.objects;
  for (const std::uint32_t client : members_.holders) {
    if (client < audit_.clients.size()) ++audit_.clients[client].objects;
  }
}

// --- rows against bits -----------------------------------------------------------------------------------------------

void AuditLook::compare_rows(std::uint32_t entry, std::uint64_t word, std::span<const HintedRow> rows) {
  const bool is_free = refs::state_of(word) == State::kFree;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const HintedRow &row = rows[i];
    if (i > 0 && rows[i - 1].client == row.client) {
      report(Ledger::kHandles,
             fmt::format("{} has two rows, {} and {}, for entry {}", describe_client(row.client), rows[i - 1].number,
                         row.number, entry),
             clients_[row.client].pid);
    }
    if (!is_free) audit_.clients[row.client].handles += row.count;
    audit_.clients[row.client].pins += row.pins;
    compare_row(word, row);
  }
}

void AuditLook::compare_row(std::uint64_t word, const HintedRow &row) {
  const auto complain = [&](const std::string &what) {
    report(Ledger::kHandles,
           fmt::format("row {} of {} (since {} ms) for {} {}", row.number, describe_client(row.client), row.since_ms,
                       describe_entry(row.entry, word), what),
           clients_[row.client].pid);
  };
  if (row.count == 0) return complain("counts no handle");
  if (!contains(members_.holders, row.client))
    complain(fmt::format("counts {}, but the holder bit is not set", base::counted(row.count, "handle")));
  if (row.generation != refs::generation_of(word)) complain(fmt::format("is of generation {}", row.generation));
  if (row.pins > row.count && !base::is_saturated(row.count))
    complain(fmt::format("counts {} and only {}", base::counted(row.pins, "pin"), base::counted(row.count, "handle")));
  const bool is_pinned = contains(members_.pins, row.client);
  if (row.pins != 0 && !is_pinned)
    complain(fmt::format("counts {}, but the pin bit is not set", base::counted(row.pins, "pin")));
  if (row.pins == 0 && is_pinned) complain("counts no pin, but the pin bit is set");
}

// --- bits against rows -----------------------------------------------------------------------------------------------

// True when the raylet should have cleared what is left of it: while it works it may be at it.
bool AuditLook::is_past(std::uint32_t client) const {
  if (client == 0 || client >= clients_.size() || clients_[client].generation == 0) return true;
  return !clients_[client].exists() && audit_.raylet_rests;
}

void AuditLook::look_at_members(std::uint32_t entry, std::uint64_t word, std::span<const HintedRow> rows) {
  for (const std::uint32_t client : members_.holders) look_at_member(entry, word, "holder", client, rows);
  for (const std::uint32_t client : members_.pins) {
    if (client != kSession) look_at_member(entry, word, "pin", client, rows);
  }
  for (const std::uint32_t client : members_.waiters) {
    if (!is_past(client)) continue;
    report(Ledger::kEntries,
           fmt::format("{} has the waiter bit of {}", describe_entry(entry, word), describe_client(client)));
  }
}

void AuditLook::look_at_member(std::uint32_t entry, std::uint64_t word, const char *set, std::uint32_t client,
                               std::span<const HintedRow> rows) {
  if (is_past(client)) {
    report(Ledger::kEntries,
           fmt::format("{} has the {} bit of {}", describe_entry(entry, word), set, describe_client(client)));
    return;
  }
  if (!clients_[client].exists() || clients_[client].rows_unread) return;
  const auto found = std::lower_bound(rows.begin(), rows.end(), client,
                                      [](const HintedRow &row, std::uint32_t id) { return row.client < id; });
  if (found != rows.end() && found->client == client) return;
  report(Ledger::kHandles,
         fmt::format("{} has the {} bit of {}, which has no row for it", describe_entry(entry, word), set,
                     describe_client(client)),
         clients_[client].pid);
}

}  // namespace mobula::objects
