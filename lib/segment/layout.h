// segment/layout.h: everything that lies in the segment, and who may write it. Nothing else may be placed there.
//   Layout     header | client slots | rings | handle rows | names | victims | deaths | samples | sites | log |
//              entries | group arrays | data. Offsets, never pointers
//   Threads    process-shared; each field names its writers. A word with more than one writer is atomic and changed by
//              read-modify-write only (docs/reference-rules.md, rule 1)
//   Crash      a process may die between any two stores; raylet/deaths.cc repairs what it left
//   Change     any change here needs kLayoutVersion + 1; the fingerprint is compared on attach
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/limits.h"
#include "segment/records.h"
#include "segment/words.h"

namespace mobula::segment {

constexpr std::uint64_t kMagic = 0x313041'4c55424f4d;  // "MOBULA01" read as a little-endian number
constexpr std::uint32_t kLayoutVersion = 5;

// Where each region begins, in bytes from the start of the segment. Written by the raylet before anybody attaches.
struct Regions {
  std::uint64_t clients;
  std::uint64_t rings;
  std::uint64_t rows;
  std::uint64_t names;
  std::uint64_t victims;
  std::uint64_t deaths;
  std::uint64_t samples;
  std::uint64_t sites;
  std::uint64_t log;
  std::uint64_t entries;
  std::uint64_t groups;
  std::uint64_t data;
};

struct SegmentHeader {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t layout_fingerprint;
  std::uint64_t segment_bytes;
  std::uint64_t capacity_bytes;  // of the data region
  std::uint64_t epoch;           // 40 random bits: part of each ObjectID, so that another session's id is refused
  std::uint32_t entries_max;
  std::uint32_t raylet_pid;
  std::uint32_t log_records;  // places of the reference log; 0: none is kept
  std::uint32_t reserved;
  Regions regions;
  std::int64_t started_ns;  // CLOCK_MONOTONIC; rows and headers count from here
  // The raylet's thread id, on its robust-futex list (segment/life.h): the kernel marks it when the raylet dies.
  alignas(kCacheLineBytes) Half life;
  // 1 while the raylet sleeps in its loop: a producer then writes the eventfd. Written by the raylet (exchange).
  alignas(kCacheLineBytes) Half raylet_sleeping;
  // 1 while somebody waits for space: releasers then wake the raylet. Written by the raylet.
  alignas(kCacheLineBytes) Half pressure;
  // Bytes of free blocks that one client may keep. Written by the raylet when clients come and go.
  Word pool_bytes_max;
  // Entries whose memory is reserved, and groups whose arrays are. Written by the raylet, only ever grow.
  Half entries_reserved;
  Half groups_live;
  // What the raylet has given out and reserved, for whoever examines the session (objects/audit.h). Raylet only; on a
  // line of their own, because clients read the words above all the time.
  alignas(kCacheLineBytes) Word block_bytes;  // of all blocks that entries have
  Word data_reserved_bytes;                   // of the data region, from its start
  Word rows_reserved_bytes;                   // of the handle rows, from their start
  Half clients_reserved;                      // ids below have a slot, and those above 0 rings
  Half names_reserved;                        // records of names that have memory; with the first, all buckets have
  Word largest_free_bytes;                    // the largest block that could be given out now
  // Since the session began: objects freed, of those the ones that the eviction pass freed, and their bytes. The last
  // one is also the number of the newest Victim, so it is written after that.
  Word freed;
  Word evicted_bytes;
  Word evictions;
  // Look-ups of clients that have ended.
  Word hits_of_gone;
  Word misses_of_gone;
  // Deaths and samples noted so far: the number of the newest of each.
  Word deaths;
  Word samples;
  // Events of the reference log so far, and those that found their place taken by a writer that was stopped or killed.
  // Any client, fetch_add.
  alignas(kCacheLineBytes) Word log_events;
  Word log_lost;
};

// State word of an entry: state | EVICTING | writer | generation. Packed by refs/state_word.h.
// Sizes, format and times are written by the creator while CREATING and read only after the state says SEALED or FAILED
// with that writer. `verdict` is the raylet's own, valid when the writer of FAILED is the raylet.
struct Verdict {
  std::uint32_t code;  // mobula::Code
  std::int32_t pid;
  std::int32_t process_end;        // how that process ended: its signal, or -1 - its exit status; 0: not known
  std::uint32_t cause_entry;       // entry whose failure this repeats; kNoEntry: the verdict stands alone
  std::uint64_t cause_generation;  // of that entry; without one: Ending, of a dead actor
  std::uint64_t function;
};

// How an actor came to its end.
enum class Ending : std::uint64_t {
  kDied = 0,           // its process ended
  kKilled = 1,         // by ray::Kill
  kExited = 2,         // by ray::ExitActor
  kJobEnded = 3,       // its driver is gone
  kUnreachable = 4,    // nobody referred to it any more
  kRestartFailed = 5,  // its constructor threw when it was restarted
  kGroupRemoved = 6,   // the placement group that it was in was removed
};

enum class Kind : std::uint32_t {
  kValue = 0,    // what the user put, or a task's result
  kForward = 1,  // a result whose bytes lie in the entry named in the inline bytes (ForwardTarget)
  kError = 2,    // a task's error (tasks/task_error.fbs)
  kSpec = 3,     // a task's spec (tasks/task_spec.fbs)
  kBuffer = 4,   // holds the bytes of a kForward
  kActor = 5,    // stands for an actor: its handles are references of this entry
};

// Specs of tasks, and the buffers that large results lie in, are no objects of their own.
constexpr bool is_object(Kind kind) { return kind != Kind::kSpec && kind != Kind::kBuffer; }

constexpr std::uint32_t kNoEntry = 0xffffffffu;
constexpr std::uint64_t kInlineOffset = ~0ull;  // the bytes lie in the entry itself
constexpr std::size_t kInlineBytes = 112;

struct ForwardTarget {
  std::uint64_t generation;
  std::uint32_t entry;
  std::uint32_t reserved;
};

struct alignas(256) EntryHeader {
  // First line: the words that many processes change.
  Word state;
  Word holders;          // group 0: bit i = client i holds it. Set and cleared by its owner, cleared by the reaper
  Word pins;             // group 0, the same way; bit 0: pinned by the session, set and cleared by the raylet
  Word waiters;          // group 0: set by the waiter, cleared by the raylet only
  Word claim;            // of a spec: tasks/claim.h. Raylet and the named worker, by CAS
  std::uint64_t offset;  // in the data region, or kInlineOffset. Raylet, before the entry is granted
  std::uint64_t capacity_bytes;  // of that block. Raylet, before the entry is granted
  Half raylet_refs;              // tasks, containers, session. Raylet only
  Half retained;                 // raylet only: Retained bits, why it is kept although nobody refers to it
  // Second line: the creator's description, and the raylet's verdict.
  std::uint64_t size;
  std::uint32_t format;
  Kind kind;
  std::uint32_t creator_pid;
  std::uint32_t site;  // call site of the put or task, interned; 0 = unknown
  std::int64_t created_ns;
  Verdict verdict;
  // CLOCK_MONOTONIC of the newest take. Any taker, plain overwriting; reset by the raylet when the entry is nobody's.
  Word last_taken_ns;
  Half contained;  // references inside, as counted by the raylet
  Half group;      // raylet only: 0, or 1 + the entry on whose verdict this one's depends (rule 39)
  std::byte inline_bytes[kInlineBytes];
};
static_assert(std::is_standard_layout_v<EntryHeader> && sizeof(EntryHeader) == 256);
static_assert(offsetof(EntryHeader, size) == kCacheLineBytes);

// Why an object is kept that nobody refers to, until the eviction pass frees it.
enum class Retained : std::uint32_t { kNamed = 1, kWeak = 2, kAsked = 4 };
constexpr bool has(std::uint32_t retained, Retained why) { return (retained & static_cast<std::uint32_t>(why)) != 0; }

// The table of names: written by the raylet alone, read by all (refs/names.h). A bucket is version << 32 | number of
// the chain's first record plus one.
constexpr std::uint32_t kNameWords = 29;
struct alignas(256) NameRecord {
  Half next_plus_1;
  Half entry;
  Word generation;
  Half length_bytes;
  Half hash;
  Word text[kNameWords];
};
static_assert(std::is_standard_layout_v<NameRecord> && sizeof(NameRecord) == 256);
static_assert(sizeof(Word) * kNameWords == base::kNameBytesMax);

// What the eviction pass has freed lately: a ring that the raylet writes and everybody may read. Number n lies in slot
// n % kVictimsKept; `number` is 0 while the slot is written.
struct alignas(kCacheLineBytes) Victim {
  Word number;  // counts from 1
  Word generation;
  Half entry;
  Half retained;  // Retained bits that it had
  Word bytes;
  Word evicted_ns;
};
static_assert(std::is_standard_layout_v<Victim> && sizeof(Victim) == kCacheLineBytes);

// One row of a handle table: written by its process alone, read by the reaper and by tools.
struct Row {
  Half count;         // handles of this process; the free list of private entries owns one, too
  Half entry_plus_1;  // the hint: 0 = row unused. Set before the holder bit, cleared after it
  Word generation;
  std::uint32_t since_ms;  // since SegmentHeader::started_ns
  std::uint32_t site;
  Half pins;    // pins of this process; its bit in the pin set is there while this is not 0
  Half shared;  // 1: somebody else was told of the entry, so it may not be recycled privately
};
static_assert(std::is_standard_layout_v<Row> && sizeof(Row) == 32);

// One slot of any ring: a message of fixed size, its kind first.
struct alignas(kCacheLineBytes) RingSlot {
  std::uint32_t kind;
  std::uint32_t count;
  std::uint32_t words[14];
};
static_assert(sizeof(RingSlot) == kCacheLineBytes);

// Positions of one single-producer single-consumer ring; each on its own line, each with one writer.
struct RingControl {
  alignas(kCacheLineBytes) Word tail;  // producer
  alignas(kCacheLineBytes) Word head;  // consumer
};

// kSession is client 0, which has no slot: its bit in the pin set is the session's own pin.
enum class ClientKind : std::uint32_t { kNone = 0, kDriver = 1, kWorker = 2, kSession = 3 };
constexpr const char *name_of(ClientKind kind) {
  switch (kind) {
    case ClientKind::kNone:
      return "ended";
    case ClientKind::kDriver:
      return "driver";
    case ClientKind::kWorker:
      return "worker";
    case ClientKind::kSession:
      return "session";
  }
  return "unknown";
}

struct alignas(kCacheLineBytes) ClientSlot {
  // Raylet, at attach and at reap.
  Half generation;  // +1 at each reuse of the id
  std::uint32_t pid;
  ClientKind kind;
  std::uint32_t row_chunks;
  std::uint64_t row_offsets[base::kRowChunksMax];  // in the segment; chunk i has kRowsPerFirstChunk << i rows
  // Rung by whoever settles what the client waits for; the futex that all its sleeping threads wait on.
  alignas(kCacheLineBytes) Half bell;
  Half sleepers;      // the client only: threads asleep, or about to be
  Half life;          // the raylet only: as SegmentHeader::life, for this client's sleepers; 0 = use that one
  Half room_waiters;  // the client only: of those, threads that wait for room in the ring
  Half expelled;      // the raylet only: 1 = it broke the protocol, nothing of it is read any more
  Half hints_lost;    // the client sets 1 when a hint found no room; the raylet resets it when it scans
  Half reaping;       // the raylet only: 1 = its process is gone, what it held is being given back
  Word hits;          // the client only: look-ups by name and by weak reference that found their object
  Word misses;        // and that did not
  // What it runs now, written by the client alone, on a line that others seldom look at; of an actor with a concurrency
  // the call that began last.
  alignas(kCacheLineBytes) Half task_entry_plus_1;  // the result; 0: nothing
  Half task_site;
  Word task_generation;
  Word task_since_ns;
  Word tasks_run;
  Word activities;          // noted so far: the number of the newest
  Half actor_entry_plus_1;  // the actor that this worker has become
  RingControl to_raylet;
  RingControl grants;
  RingControl offers;
};
static_assert(std::is_standard_layout_v<ClientSlot> && sizeof(ClientSlot) == 640);

// The slots of a client's three rings, one after another in the rings region.
struct ClientRings {
  RingSlot to_raylet[base::kRingSlots];
  RingSlot grants[base::kGrantSlots];
  RingSlot offers[base::kOfferSlots];
  Activity activities[base::kActivitiesKept];
};
static_assert(sizeof(ClientRings) % kPageBytes == 0);

// Every size and offset above.
// clang-format off
constexpr std::uint64_t kLayoutFacts[] = {
    sizeof(SegmentHeader), sizeof(EntryHeader), sizeof(Row), sizeof(RingSlot), sizeof(RingControl),
    sizeof(ClientSlot), sizeof(ClientRings), sizeof(Verdict), offsetof(SegmentHeader, magic),
    offsetof(SegmentHeader, segment_bytes), offsetof(SegmentHeader, capacity_bytes), offsetof(SegmentHeader, epoch),
    offsetof(SegmentHeader, entries_max), offsetof(SegmentHeader, raylet_pid), offsetof(SegmentHeader, regions),
    offsetof(SegmentHeader, started_ns), offsetof(SegmentHeader, life), offsetof(SegmentHeader, raylet_sleeping),
    offsetof(SegmentHeader, pressure), offsetof(SegmentHeader, pool_bytes_max), offsetof(SegmentHeader,
    entries_reserved), offsetof(SegmentHeader, groups_live), offsetof(SegmentHeader, block_bytes),
    offsetof(SegmentHeader, data_reserved_bytes), offsetof(SegmentHeader, rows_reserved_bytes),
    offsetof(SegmentHeader, clients_reserved), offsetof(SegmentHeader, names_reserved), offsetof(SegmentHeader,
    largest_free_bytes), offsetof(SegmentHeader, freed), offsetof(SegmentHeader, evicted_bytes),
    offsetof(SegmentHeader, evictions), offsetof(SegmentHeader, hits_of_gone), offsetof(SegmentHeader,
    misses_of_gone), sizeof(NameRecord), offsetof(NameRecord, next_plus_1), offsetof(NameRecord, entry),
    offsetof(NameRecord, generation), offsetof(NameRecord, length_bytes), offsetof(NameRecord, hash),
    offsetof(NameRecord, text), sizeof(Victim), offsetof(Victim, number), offsetof(Victim, generation),
    offsetof(Victim, entry), offsetof(Victim, retained), offsetof(Victim, bytes), offsetof(Victim, evicted_ns),
    sizeof(Death), offsetof(Death, ended_ns), offsetof(Death, task_generation), offsetof(Death, task_entry),
    offsetof(Death, task_site), offsetof(Death, pid), offsetof(Death, client), offsetof(Death, kind),
    offsetof(Death, cause), offsetof(Death, code), offsetof(Death, is_actor), sizeof(Share), offsetof(Share, bytes),
    sizeof(Sample), offsetof(Sample, at_ns), offsetof(Sample, used_bytes), offsetof(Sample, objects),
    offsetof(Sample, references), offsetof(Sample, freed), offsetof(Sample, evictions),
    offsetof(Sample, tasks_waiting), offsetof(Sample, tasks_running), offsetof(Sample, sites),
    offsetof(Sample, holders), sizeof(Site), offsetof(Site, about), offsetof(Site, text), sizeof(LogRecord),
    offsetof(LogRecord, at_ns), offsetof(LogRecord, generation), offsetof(LogRecord, bytes),
    offsetof(LogRecord, entry), offsetof(LogRecord, event), offsetof(LogRecord, pid), offsetof(LogRecord, site),
    offsetof(LogRecord, holder), sizeof(Activity), offsetof(Activity, began_ns), offsetof(Activity, ended_ns),
    offsetof(Activity, generation), offsetof(Activity, entry), offsetof(Activity, kind), offsetof(Activity, end),
    offsetof(Activity, site), offsetof(Activity, pid), offsetof(SegmentHeader, log_records),
    offsetof(SegmentHeader, deaths), offsetof(SegmentHeader, samples), offsetof(SegmentHeader, log_events),
    offsetof(SegmentHeader, log_lost), offsetof(ClientSlot, task_entry_plus_1), offsetof(ClientSlot, task_site),
    offsetof(ClientSlot, task_generation), offsetof(ClientSlot, task_since_ns), offsetof(ClientSlot, tasks_run),
    offsetof(ClientSlot, activities), offsetof(ClientSlot, actor_entry_plus_1), offsetof(ClientRings, activities),
    base::kDeathsKept, base::kSamplesKept, base::kSitesMax, base::kLogRecordsMax, base::kActivitiesKept,
    offsetof(EntryHeader, state), offsetof(EntryHeader, holders),
    offsetof(EntryHeader, pins), offsetof(EntryHeader, waiters), offsetof(EntryHeader, claim),
    offsetof(EntryHeader, offset), offsetof(EntryHeader, capacity_bytes), offsetof(EntryHeader, raylet_refs),
    offsetof(EntryHeader, retained), offsetof(EntryHeader, size), offsetof(EntryHeader, format),
    offsetof(EntryHeader, kind), offsetof(EntryHeader, creator_pid), offsetof(EntryHeader, site),
    offsetof(EntryHeader, created_ns), offsetof(EntryHeader, verdict), offsetof(EntryHeader, last_taken_ns),
    offsetof(EntryHeader, contained), offsetof(EntryHeader, group), offsetof(EntryHeader, inline_bytes),
    offsetof(Row, count), offsetof(Row, entry_plus_1), offsetof(Row, generation), offsetof(Row, since_ms),
    offsetof(Row, site), offsetof(Row, pins),
    offsetof(Row, shared), offsetof(ClientSlot, generation), offsetof(ClientSlot, pid), offsetof(ClientSlot, kind),
    offsetof(ClientSlot, row_chunks), offsetof(ClientSlot, row_offsets), offsetof(ClientSlot, bell),
    offsetof(ClientSlot, sleepers), offsetof(ClientSlot, life), offsetof(ClientSlot, room_waiters),
    offsetof(ClientSlot, expelled),
    offsetof(ClientSlot, hints_lost), offsetof(ClientSlot, reaping), offsetof(ClientSlot, hits),
    offsetof(ClientSlot, misses), offsetof(ClientSlot, to_raylet),
    offsetof(ClientSlot, grants),
    offsetof(ClientSlot, offers), offsetof(ClientRings, to_raylet), offsetof(ClientRings, grants),
    offsetof(ClientRings, offers), base::kClientsMax, base::kEntriesMax, base::kEntriesPerChunk,
    base::kRowsPerFirstChunk, base::kRowPoolBytes, base::kNamesMax, base::kNameBuckets, base::kVictimsKept};
// clang-format on

// Mixes them into one number (FNV-1a), compared on attach.
constexpr std::uint32_t layout_fingerprint() {
  std::uint32_t hash = 2166136261u;
  for (const std::uint64_t fact : kLayoutFacts) hash = (hash ^ static_cast<std::uint32_t>(fact)) * 16777619u;
  return hash;
}

}  // namespace mobula::segment
