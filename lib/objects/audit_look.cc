#include "objects/audit_look.h"

#include <fmt/format.h>

#include <algorithm>

#include "objects/client_rows.h"
#include "refs/row_table.h"

namespace mobula::objects {

Audit AuditLook::run() {
  audit_.raylet_rests = raylet_rests();
  read_words();
  // Where the kernel has less than the raylet says, looking would take memory for it, or fail.
  if (compare_kernel()) {
    read_clients();
    read_rows();
    audit_.raylet_rests = audit_.raylet_rests && raylet_rests();
    look_at_entries();
    look_at_names();
    compare_blocks();
  }
  std::erase_if(audit_.clients, [](const ClientTotals &client) { return client.kind == segment::ClientKind::kNone; });
  return std::move(audit_);
}

void AuditLook::report(Ledger ledger, std::string text, std::uint32_t pid) {
  if (audit_.problems.size() < kAuditProblemsMax)
    audit_.problems.push_back({ledger, std::move(text), pid});
  else
    ++audit_.problems_left_out;
}

std::string AuditLook::describe_client(std::uint32_t client) const {
  if (client == 0) return "the session";
  if (client >= clients_.size()) return fmt::format("client {} (never given out)", client);
  const Client &known = clients_[client];
  if (!known.exists()) return fmt::format("client {} (ended)", client);
  return fmt::format("client {} ({}, pid {})", client, segment::name_of(known.kind), known.pid);
}

std::string AuditLook::describe_entry(std::uint32_t entry, std::uint64_t word) const {
  return fmt::format("entry {} (generation {}, {}{})", entry, refs::generation_of(word),
                     refs::name_of(refs::state_of(word)), refs::is_evicting(word) ? ", evicting" : "");
}

// --- header and kernel -----------------------------------------------------------------------------------------------

bool AuditLook::raylet_rests() const {
  const segment::SegmentHeader &header = segment_.header();
  if (header.raylet_sleeping.load() == 0) return false;
  const std::uint32_t clients = std::min(header.clients_reserved.load(), base::kClientsMax);
  for (std::uint32_t id = 1; id < clients; ++id) {
    const segment::ClientSlot &slot = segment_.client(id);
    if (read_once(slot.kind) == segment::ClientKind::kNone) continue;
    // An expelled client's messages are never read: what it dropped is freed when it is reaped.
    if (slot.expelled.load() != 0 || slot.hints_lost.load() != 0) return false;
    if (slot.to_raylet.tail.load() != slot.to_raylet.head.load()) return false;
  }
  return true;
}

std::uint64_t AuditLook::limited(const char *what, std::uint64_t value, std::uint64_t limit) {
  if (value <= limit) return value;
  report(Ledger::kKernel, fmt::format("the header's {} is {}; the limit is {}", what, value, limit));
  return 0;
}

void AuditLook::read_words() {
  const segment::SegmentHeader &header = segment_.header();
  words_.entries =
      static_cast<std::uint32_t>(limited("entries_reserved", header.entries_reserved.load(), base::kEntriesMax));
  words_.groups = static_cast<std::uint32_t>(limited("groups_live", header.groups_live.load(), base::kGroupsMax));
  words_.clients =
      static_cast<std::uint32_t>(limited("clients_reserved", header.clients_reserved.load(), base::kClientsMax));
  words_.rows_bytes = limited("rows_reserved_bytes", header.rows_reserved_bytes.load(), base::kRowPoolBytes);
  words_.data_bytes = limited("data_reserved_bytes", header.data_reserved_bytes.load(), segment_.capacity_bytes());
  words_.names = static_cast<std::uint32_t>(limited("names_reserved", header.names_reserved.load(), base::kNamesMax));
  words_.block_bytes = header.block_bytes.load();
}

// False: the tables may not be looked at. The words were read before: the raylet reserves, then publishes.
bool AuditLook::compare_kernel() {
  const RegionBytes bytes = region_bytes(words_, segment_.log_records());
  audit_.reserved_bytes = bytes.tables() + bytes.data;
  audit_.kernel_bytes = segment_.kernel_bytes();
  if (audit_.kernel_bytes == audit_.reserved_bytes) return true;
  report(Ledger::kKernel,
         fmt::format("the kernel has {} bytes for the segment, its regions reserve {}: header {}, client slots {}, "
                     "rings {}, handle rows {}, names {}, history {}, log {}, entries {}, group arrays {}, data {}",
                     audit_.kernel_bytes, audit_.reserved_bytes, bytes.header, bytes.slots, bytes.rings, bytes.rows,
                     bytes.names, bytes.history, bytes.log, bytes.entries, bytes.groups, bytes.data));
  return audit_.kernel_bytes > audit_.reserved_bytes;
}

// --- clients and their rows ------------------------------------------------------------------------------------------

void AuditLook::read_clients() {
  clients_.resize(words_.clients);
  audit_.clients.resize(words_.clients);
  for (std::uint32_t id = 1; id < words_.clients; ++id) {
    const segment::ClientSlot &slot = segment_.client(id);
    Client &client = clients_[id];
    // What is left of a client that is being reaped says nothing: its bits go before its rows.
    client = {id, slot.generation.load(), read_once(slot.pid), read_once(slot.kind), slot.reaping.load() != 0};
    if (client.kind > segment::ClientKind::kWorker) {
      report(Ledger::kHandles,
             fmt::format("client {} is of kind {}, which does not exist", id, static_cast<std::uint32_t>(client.kind)));
      client.rows_unread = true;
    }
    audit_.clients[id] = {id, client.pid, client.kind, 0, 0, 0};
  }
}

void AuditLook::read_chunks(std::uint32_t client, std::vector<Chunk> *chunks) {
  const segment::ClientSlot &slot = segment_.client(client);
  const std::uint32_t count = read_once(slot.row_chunks);
  if (count > base::kRowChunksMax) {
    report(Ledger::kHandles,
           fmt::format("{} has {} chunks of handle rows; the limit is {}", describe_client(client), count,
                       base::kRowChunksMax),
           clients_[client].pid);
    clients_[client].rows_unread = true;
    return;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const Chunk chunk{read_once(slot.row_offsets[i]), sizeof(segment::Row) * refs::rows_in_chunk(i), client};
    if (are_rows(segment_, chunk.offset, chunk.bytes, words_.rows_bytes)) {
      chunks->push_back(chunk);
      continue;
    }
    report(Ledger::kHandles,
           fmt::format("chunk {} of the handle rows of {} lies at {}, outside of what is reserved for rows", i,
                       describe_client(client), chunk.offset),
           clients_[client].pid);
    clients_[client].rows_unread = true;
  }
}

// Chunks that overlap are not read, so the work is bounded whatever the slots say.
void AuditLook::read_rows() {
  std::vector<Chunk> chunks;
  for (std::uint32_t id = 1; id < words_.clients; ++id) {
    if (clients_[id].exists() && !clients_[id].rows_unread) read_chunks(id, &chunks);
  }
  std::sort(chunks.begin(), chunks.end(), [](const Chunk &a, const Chunk &b) {
    return a.offset != b.offset ? a.offset < b.offset : a.client < b.client;
  });
  refuse_overlaps(chunks);
  for (const Chunk &chunk : chunks) {
    if (!clients_[chunk.client].rows_unread) read_chunk(chunk);
  }
  std::sort(rows_.begin(), rows_.end(), [](const HintedRow &a, const HintedRow &b) {
    return a.entry != b.entry ? a.entry < b.entry : a.client < b.client;
  });
}

void AuditLook::refuse_overlaps(const std::vector<Chunk> &chunks) {
  Chunk last;  // that reaches furthest
  for (const Chunk &chunk : chunks) {
    if (chunk.offset < last.offset + last.bytes) {
      report(Ledger::kHandles,
             fmt::format("the handle rows of {} and {} overlap at {}", describe_client(last.client),
                         describe_client(chunk.client), chunk.offset),
             clients_[chunk.client].pid);
      clients_[last.client].rows_unread = clients_[chunk.client].rows_unread = true;
    }
    if (chunk.offset + chunk.bytes > last.offset + last.bytes) last = chunk;
  }
}

void AuditLook::read_chunk(const Chunk &chunk) {
  const segment::Row *const rows = segment_.rows(chunk.offset);
  const auto count = static_cast<std::uint32_t>(chunk.bytes / sizeof(segment::Row));
  for (std::uint32_t number = 0; number < count; ++number) {
    const std::optional<RowCopy> copy = copy_row(rows[number]);
    if (!copy) continue;
    if (copy->entry < words_.entries) {
      rows_.push_back({*copy, chunk.client, number});
      continue;
    }
    report(Ledger::kHandles,
           fmt::format("a row of {} names entry {}; there are {}", describe_client(chunk.client), copy->entry,
                       words_.entries),
           clients_[chunk.client].pid);
  }
}

// --- extents ---------------------------------------------------------------------------------------------------------

// What a FREE entry that was withdrawn still names is no block of it any more (rule 22).
void AuditLook::note_block(std::uint32_t entry, std::uint64_t word) {
  const segment::EntryHeader &header = segment_.entry(entry);
  const bool is_free = refs::state_of(word) == refs::State::kFree;
  const Block block{read_once(header.offset), read_once(header.capacity_bytes), entry};
  const bool is_inline = block.offset == segment::kInlineOffset;
  if (is_inline && block.bytes != segment::kInlineBytes) {
    report(Ledger::kExtents,
           fmt::format("{} has no block, but room for {} bytes", describe_entry(entry, word), block.bytes));
  }
  if (is_inline || block.bytes == 0 || (is_free && refs::is_evicting(word))) return;
  blocks_.push_back(block);
  (is_free ? audit_.pooled_bytes : audit_.used_bytes) += block.bytes;
}

void AuditLook::compare_blocks() {
  std::sort(blocks_.begin(), blocks_.end(), [](const Block &a, const Block &b) { return a.offset < b.offset; });
  std::uint64_t sum = 0;
  Block last;
  for (const Block &block : blocks_) {
    sum += block.bytes;
    if (block.offset > words_.data_bytes || block.bytes > words_.data_bytes - block.offset) {
      report(Ledger::kExtents,
             fmt::format("the block of entry {} ({} bytes at {}) lies outside of the {} bytes that are "
                         "reserved for data",
                         block.entry, block.bytes, block.offset, words_.data_bytes));
      continue;
    }
    if (last.bytes != 0 && block.offset < last.offset + last.bytes) {
      report(Ledger::kExtents,
             fmt::format("the blocks of entries {} ({} bytes at {}) and {} ({} bytes at {}) overlap", last.entry,
                         last.bytes, last.offset, block.entry, block.bytes, block.offset));
    }
    if (block.offset + block.bytes > last.offset + last.bytes) last = block;
  }
  if (sum == words_.block_bytes) return;
  report(Ledger::kExtents,
         fmt::format("the raylet has given out {} bytes in blocks, the blocks of entries ({}) have {}",
                     words_.block_bytes, blocks_.size(), sum));
}

}  // namespace mobula::objects
