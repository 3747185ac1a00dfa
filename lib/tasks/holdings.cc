#include "tasks/holdings.h"

#include <algorithm>
#include <bit>

#include "base/clock.h"
#include "tasks/holdings_reader.h"

namespace mobula::tasks {
namespace {

using objects::read_once;
using refs::State;
using segment::ClientKind;
using segment::EntryHeader;

// acquire: the description that was written before the entry was settled.
std::uint64_t word_of(const EntryHeader &header) { return header.state.load(std::memory_order_acquire); }

}  // namespace

HoldingsReader::HoldingsReader(const segment::Segment &segment, std::int64_t now_ns)
    : segment_(segment),
      // Only what is reserved: a look at a hole of the file would take memory for it.
      entries_(std::min(segment.entries_reserved(), base::kEntriesMax)),
      groups_(std::min(segment.groups_live(), base::kGroupsMax)),
      clients_(std::min(segment.header().clients_reserved.load(), base::kClientsMax)) {
  holdings_.epoch = segment.header().epoch;
  holdings_.read_ns = now_ns;
  // Pages are taken when they are written. Growing would write most of them twice.
  holdings_.objects.reserve(entries_);
  holdings_.holders.reserve(entries_);
}

Holdings HoldingsReader::read(const std::function<bool(std::uint32_t pid)> &is_alive) {
  read_processes(is_alive);
  read_tasks();
  read_rows();
  for (std::uint32_t entry = 0; entry < entries_; ++entry) read_entry(entry);
  read_contents();
  holdings_.footprint = objects::read_footprint(segment_, blocks_bytes_, pooled_bytes_);
  return std::move(holdings_);
}

// --- processes and their rows ---------------------------------------------------------------------------------------

void HoldingsReader::read_processes(const std::function<bool(std::uint32_t pid)> &is_alive) {
  holdings_.processes.resize(std::max(clients_, 1u));
  holdings_.processes[0].pid = segment_.header().raylet_pid;
  holdings_.processes[0].kind = ClientKind::kSession;
  for (std::uint32_t client = 1; client < clients_; ++client) {
    const segment::ClientSlot &slot = segment_.client(client);
    Process &process = holdings_.processes[client];
    process.kind = read_once(slot.kind);
    if (process.kind != ClientKind::kDriver && process.kind != ClientKind::kWorker) {
      process.kind = ClientKind::kNone;
      continue;
    }
    process.pid = read_once(slot.pid);
    process.is_ending = slot.reaping.load() != 0 || (is_alive && !is_alive(process.pid));
    process.task = {slot.task_entry_plus_1.load(std::memory_order_acquire) - 1, slot.task_generation.load()};
    process.task_site = slot.task_site.load();
    process.task_since_ns = static_cast<std::int64_t>(slot.task_since_ns.load());
    process.tasks_run = slot.tasks_run.load();
    process.actor_entry = slot.actor_entry_plus_1.load(std::memory_order_acquire) - 1;
  }
}

// Sorted by counting: there may be a million.
void HoldingsReader::read_rows() {
  std::vector<HandleRow> unsorted;
  rows_begin_.assign(std::size_t{entries_} + 2, 0);
  for (std::uint32_t client = 1; client < clients_; ++client) {
    if (holdings_.processes[client].kind == ClientKind::kNone) continue;
    objects::for_each_row(segment_, client, [&](const objects::RowCopy &row) {
      if (row.entry >= entries_) return;
      unsorted.push_back({row, client});
      ++rows_begin_[row.entry + 2];
    });
  }
  for (std::size_t i = 2; i < rows_begin_.size(); ++i) rows_begin_[i] += rows_begin_[i - 1];
  rows_.resize(unsorted.size());
  for (const HandleRow &row : unsorted) rows_[rows_begin_[row.entry + 1]++] = row;
}

std::span<const HoldingsReader::HandleRow> HoldingsReader::rows_of(std::uint32_t entry) const {
  return std::span(rows_).subspan(rows_begin_[entry], rows_begin_[entry + 1] - rows_begin_[entry]);
}

// --- objects --------------------------------------------------------------------------------------------------------

void HoldingsReader::count_block(const EntryHeader &header, std::uint64_t word) {
  if (read_once(header.offset) == segment::kInlineOffset) return;
  if (refs::state_of(word) != State::kFree) {
    blocks_bytes_ += read_once(header.capacity_bytes);
  } else if (!refs::is_evicting(word)) {  // what a withdrawn entry still names is no block of it any more (rule 22)
    pooled_bytes_ += read_once(header.capacity_bytes);
  }
}

void HoldingsReader::read_entry(std::uint32_t entry) {
  const EntryHeader &header = segment_.entry(entry);
  const std::uint64_t word = word_of(header);
  count_block(header, word);
  Object object;
  object.state = refs::state_of(word);
  if (object.state == State::kFree || object.state > State::kFailed) return;
  if (refs::is_described(word) && !segment::is_object(read_once(header.kind))) return;
  object.name = {entry, refs::generation_of(word)};
  const std::size_t holders_before = holdings_.holders.size();
  const std::size_t users_before = holdings_.users.size();
  read_holders(entry, &object);
  read_references(header, &object);
  object.retained = header.retained.load(std::memory_order_acquire);
  describe(header, word, &object);
  if (!refs::names(word_of(header), object.name.generation)) {  // freed meanwhile
    holdings_.holders.resize(holders_before);
    holdings_.users.resize(users_before);
    return;
  }
  if (header.contained.load(std::memory_order_relaxed) != 0) {
    with_contents_.push_back(static_cast<std::uint32_t>(holdings_.objects.size()));
  }
  holdings_.objects.push_back(object);
}

// A result's site is its submitter's, and written before anybody is told. What else an unfinished object says is its
// writer's only when that one is at it.
void HoldingsReader::describe(const EntryHeader &header, std::uint64_t word, Object *object) const {
  object->site = read_once(header.site);
  const std::uint64_t size_bytes = read_once(header.size);
  const bool is_inline = read_once(header.offset) == segment::kInlineOffset;
  if (refs::is_described(word)) {
    object->kind = read_once(header.kind);
    object->size_bytes = size_bytes;
    object->creator_pid = read_once(header.creator_pid);
    object->created_ns = read_once(header.created_ns);
    object->last_taken_ns = static_cast<std::int64_t>(header.last_taken_ns.load());
    return;
  }
  if (object->state != State::kCreating) return;
  if (!is_inline) object->size_bytes = read_once(header.capacity_bytes);
  const std::uint32_t writer = refs::writer_of(word);
  object->is_draft = object->task_references + object->captured_references == 0;
  if (!object->is_draft || writer == refs::kRayletWriter || writer >= clients_) return;
  const std::uint32_t creator_pid = read_once(header.creator_pid);
  if (creator_pid == 0 || creator_pid != holdings_.processes[writer].pid) return;
  object->creator_pid = creator_pid;
  object->created_ns = read_once(header.created_ns);
  if (size_bytes <= (is_inline ? segment::kInlineBytes : object->size_bytes)) object->size_bytes = size_bytes;
}

void HoldingsReader::read_holders(std::uint32_t entry, Object *object) {
  object->holders.begin = static_cast<std::uint32_t>(holdings_.holders.size());
  const std::span<const HandleRow> rows = rows_of(entry);
  for (std::uint32_t group = 0; group < groups_; ++group) {
    // acquire: whoever set the bit has its slot filled in.
    const std::uint64_t held = segment_.set_word(segment::Set::kHolders, group, entry).load(std::memory_order_acquire);
    const std::uint64_t pinned = segment_.set_word(segment::Set::kPins, group, entry).load(std::memory_order_acquire);
    for (std::uint64_t left = held | pinned; left != 0; left &= left - 1) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(left));
      add_holder(group * base::kClientsPerGroup + bit, rows, (held >> bit & 1) != 0, (pinned >> bit & 1) != 0);
    }
  }
  object->holders.count = static_cast<std::uint32_t>(holdings_.holders.size()) - object->holders.begin;
}

void HoldingsReader::add_holder(std::uint32_t client, std::span<const HandleRow> rows, bool holds, bool pinned) {
  Holder holder;
  holder.client = client;
  holder.holds = holds;
  holder.pinned = pinned;
  if (client == 0) holder.pins = 1;
  const std::int64_t started_ns = segment_.header().started_ns;
  for (const HandleRow &row : rows) {
    if (row.client != client) continue;
    holder.handles = row.count;
    holder.pins = row.pins;
    holder.site = row.site;
    holder.since_ns = started_ns + std::int64_t{row.since_ms} * base::kNanosecondsPerMillisecond;
  }
  holdings_.holders.push_back(holder);
}

// The raylet counts arguments, one for an unfinished task's result, and one for each object that contains it.
void HoldingsReader::read_references(const EntryHeader &header, Object *object) {
  object->users.begin = static_cast<std::uint32_t>(holdings_.users.size());
  while (next_link_ < links_.size() && links_[next_link_].entry < object->name.entry) ++next_link_;
  std::uint32_t arguments = 0;
  for (; next_link_ < links_.size() && links_[next_link_].entry == object->name.entry; ++next_link_) {
    if (links_[next_link_].generation != object->name.generation) continue;
    ++arguments;
    const std::uint32_t task = links_[next_link_].by;
    const bool is_known = holdings_.users.size() > object->users.begin && holdings_.users.back() == task;
    if (!is_known) holdings_.users.push_back(task);
  }
  object->users.count = static_cast<std::uint32_t>(holdings_.users.size()) - object->users.begin;
  // acquire: not older than the state word that was read before it.
  const std::uint32_t raylet_refs = header.raylet_refs.load(std::memory_order_acquire);
  const std::uint32_t result = refs::is_settled(object->state) ? 0 : 1;
  object->task_references = std::min(raylet_refs, arguments + result);
  object->captured_references = raylet_refs - object->task_references;
}

Holdings read_holdings(const segment::Segment &segment, std::int64_t now_ns,
                       const std::function<bool(std::uint32_t pid)> &is_alive) {
  return HoldingsReader(segment, now_ns).read(is_alive);
}

}  // namespace mobula::tasks
