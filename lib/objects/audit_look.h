// objects/audit_look.h: one look of the audit over the whole segment. What it finds may be a step in progress.
//   Threads    thread-bound; others change what it reads
//   Cost       objects/audit.h
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "objects/audit.h"
#include "objects/client_rows.h"
#include "objects/footprint.h"
#include "refs/state_word.h"

namespace mobula::objects {

class AuditLook {
 public:
  explicit AuditLook(const segment::Segment &segment) : segment_(segment) {}
  Audit run();

 private:
  // What the header says, each checked against its limit.
  struct Words : ReservedWords {
    std::uint64_t block_bytes = 0;
  };
  // A client slot, copied.
  struct Client {
    std::uint32_t id = 0;
    std::uint32_t generation = 0;
    std::uint32_t pid = 0;
    segment::ClientKind kind = segment::ClientKind::kNone;
    bool rows_unread = false;  // being reaped, or its table is damaged: nothing follows from a row that was not found
    bool exists() const { return kind != segment::ClientKind::kNone; }
  };
  struct Chunk {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::uint32_t client = 0;
  };
  struct HintedRow : RowCopy {
    std::uint32_t client = 0;
    std::uint32_t number = 0;
  };
  struct Block {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::uint32_t entry = 0;
  };
  // The members of an entry's sets, each in ascending order.
  struct Members {
    std::vector<std::uint32_t> holders;
    std::vector<std::uint32_t> pins;
    std::vector<std::uint32_t> waiters;
  };

  // audit_look.cc: what the header, the clients and the blocks say
  bool raylet_rests() const;
  void read_words();
  std::uint64_t limited(const char *what, std::uint64_t value, std::uint64_t limit);
  bool compare_kernel();
  void read_clients();
  void read_chunks(std::uint32_t client, std::vector<Chunk> *chunks);
  void read_rows();
  void refuse_overlaps(const std::vector<Chunk> &chunks);
  void read_chunk(const Chunk &chunk);
  void note_block(std::uint32_t entry, std::uint64_t word);
  void compare_blocks();
  void report(Ledger ledger, std::string text, std::uint32_t pid = 0);
  std::string describe_client(std::uint32_t client) const;
  std::string describe_entry(std::uint32_t entry, std::uint64_t word) const;

  // audit_entries.cc: each entry, its sets and the rows that name it
  void look_at_entries();
  void look_at_entry(std::uint32_t entry, std::span<const HintedRow> rows);
  bool is_legal(std::uint64_t word) const;
  void look_at_free(std::uint32_t entry, std::uint64_t word);
  void look_at_tenant(std::uint32_t entry, std::uint64_t word, std::span<const HintedRow> rows);
  void look_at_names();
  void count_object(std::uint32_t entry, std::uint64_t word);
  void compare_rows(std::uint32_t entry, std::uint64_t word, std::span<const HintedRow> rows);
  void compare_row(std::uint64_t word, const HintedRow &row);
  void look_at_members(std::uint32_t entry, std::uint64_t word, std::span<const HintedRow> rows);
  void look_at_member(std::uint32_t entry, std::uint64_t word, const char *set, std::uint32_t client,
                      std::span<const HintedRow> rows);
  bool is_past(std::uint32_t client) const;

  const segment::Segment &segment_;
  Audit audit_;
  Words words_;
  std::vector<Client> clients_;
  std::vector<HintedRow> rows_;  // by entry, then client
  std::vector<Block> blocks_;
  Members members_;  // of the entry that is looked at
};

}  // namespace mobula::objects
