#include "tools/memory_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/clock.h"
#include "refs/object_id.h"
#include "tasks/task_spec.h"
#include "tools/object_digits.h"

namespace mobula::tools {
namespace {

using refs::State;
using segment::EntryHeader;
using segment::Kind;
using segment::Segment;

using Counts = std::unordered_map<std::uint32_t, std::uint32_t>;

// acquire: the description that was written before the entry was settled.
std::uint64_t word_of(const EntryHeader &header) { return header.state.load(std::memory_order_acquire); }

Holder holder_of(const Segment &segment, std::uint32_t client) {
  Holder holder;
  holder.client = client;
  if (client == 0) {
    holder.pid = segment.header().raylet_pid;
    holder.kind = segment::ClientKind::kSession;
  } else {
    holder.pid = segment.client(client).pid;
    holder.kind = segment.client(client).kind;
  }
  return holder;
}

// --- references of tasks --------------------------------------------------------------------------------------------

// A copy, because its owner may be writing; verified by the decoder.
std::optional<tasks::TaskSpec> read_spec(const Segment &segment, const EntryHeader &header,
                                         std::vector<std::uint64_t> *copy) {
  const std::uint64_t size = header.size;
  const std::uint64_t offset = header.offset;
  const bool is_inline = offset == segment::kInlineOffset;
  if (size > base::kSpecBytesMax || (is_inline ? size > segment::kInlineBytes : !segment.contains(offset, size))) {
    return std::nullopt;
  }
  copy->resize(size / sizeof(std::uint64_t) + 1);
  std::memcpy(copy->data(), is_inline ? header.inline_bytes : segment.readable(offset), size);
  return tasks::decode_spec(std::as_bytes(std::span(*copy)).first(size));
}

// How often each entry is an argument of a task that the raylet has taken and not ended, as the raylet counts them.
Counts count_arguments(const Segment &segment) {
  Counts counts;
  std::vector<std::uint64_t> copy;
  const std::uint32_t entries = segment.entries_reserved();
  for (std::uint32_t entry = 0; entry < entries; ++entry) {
    const EntryHeader &header = segment.entry(entry);
    if (refs::state_of(word_of(header)) != State::kSealed || header.kind != Kind::kSpec) continue;
    // acquire: pairs with the raylet's store, which follows its reading of the spec.
    if (header.raylet_refs.load(std::memory_order_acquire) == 0) continue;
    const std::optional<tasks::TaskSpec> spec = read_spec(segment, header, &copy);
    if (!spec) continue;
    for (const tasks::ArgumentView &argument : spec->arguments) {
      if (argument.reference.entry != segment::kNoEntry) ++counts[argument.reference.entry];
      for (const refs::ObjectName &name : argument.contained) ++counts[name.entry];
    }
  }
  return counts;
}

// --- one row --------------------------------------------------------------------------------------------------------

std::vector<Holder> holders_of(const Segment &segment, std::uint32_t entry) {
  std::vector<Holder> holders;
  const std::uint32_t groups = segment.groups_live();
  for (std::uint32_t group = 0; group < groups; ++group) {
    // acquire: whoever set the bit has its slot filled in.
    const std::uint64_t held = segment.set_word(segment::Set::kHolders, group, entry).load(std::memory_order_acquire);
    const std::uint64_t pinned = segment.set_word(segment::Set::kPins, group, entry).load(std::memory_order_acquire);
    for (std::uint64_t left = held | pinned; left != 0; left &= left - 1) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(left));
      Holder holder = holder_of(segment, group * base::kClientsPerGroup + bit);
      holder.holds = (held >> bit & 1) != 0;
      holder.pins = (pinned >> bit & 1) != 0;
      holders.push_back(holder);
    }
  }
  return holders;
}

void describe(const EntryHeader &header, std::uint64_t word, std::int64_t now_ns, MemoryRow *row) {
  if (refs::is_described(word)) {
    row->size_bytes = header.size;
    row->creator_pid = header.creator_pid;
    row->age_ms = std::max<std::int64_t>(now_ns - header.created_ns, 0) / base::kNanosecondsPerMillisecond;
  } else if (row->state == State::kCreating && header.offset != segment::kInlineOffset) {
    row->size_bytes = header.capacity_bytes;
  }
}

// The raylet counts arguments, one for an unfinished task's result, and one for each object that contains it.
void split_raylet_references(std::uint32_t raylet_refs, std::uint32_t arguments, MemoryRow *row) {
  const std::uint32_t result = refs::is_settled(row->state) ? 0 : 1;
  row->task_references = std::min(raylet_refs, arguments + result);
  row->captured_references = raylet_refs - row->task_references;
}

std::optional<MemoryRow> read_row(const Segment &segment, std::uint32_t entry, const Counts &arguments,
                                  std::int64_t now_ns) {
  const EntryHeader &header = segment.entry(entry);
  const std::uint64_t word = word_of(header);
  MemoryRow row;
  row.state = refs::state_of(word);
  if (row.state == State::kFree) return std::nullopt;
  if (refs::is_described(word) && !segment::is_object(header.kind)) return std::nullopt;
  row.name = {entry, refs::generation_of(word)};
  row.id = digits_of(refs::encode_id(segment.header().epoch, row.name));
  describe(header, word, now_ns, &row);
  row.holders = holders_of(segment, entry);
  const auto counted = arguments.find(entry);
  // acquire: not older than the state word that was read before it.
  split_raylet_references(header.raylet_refs.load(std::memory_order_acquire),
                          counted == arguments.end() ? 0 : counted->second, &row);
  row.retained = header.retained.load(std::memory_order_acquire);
  if (!refs::names(word_of(header), row.name.generation)) return std::nullopt;  // freed meanwhile
  return row;
}

}  // namespace

std::vector<MemoryRow> read_rows(const Segment &segment, std::int64_t now_ns) {
  const Counts arguments = count_arguments(segment);
  std::vector<MemoryRow> rows;
  // Only what is reserved: a look at a hole of the file would take memory for it.
  const std::uint32_t entries = segment.entries_reserved();
  for (std::uint32_t entry = 0; entry < entries; ++entry) {
    if (std::optional<MemoryRow> row = read_row(segment, entry, arguments, now_ns)) rows.push_back(std::move(*row));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const MemoryRow &a, const MemoryRow &b) { return a.size_bytes > b.size_bytes; });
  return rows;
}

}  // namespace mobula::tools
