// base/limits.h: every limit of a session, with its unit in the name and the reason for its value.
#pragma once

#include <cstdint>

namespace mobula::base {

constexpr std::uint32_t kClientsMax = 4096;     // processes attached at once: 64 holder groups of 64
constexpr std::uint32_t kClientsPerGroup = 64;  // bits of one holder word
constexpr std::uint32_t kGroupsMax = kClientsMax / kClientsPerGroup;
constexpr std::uint32_t kEntriesMax = 1u << 22;  // objects, specs and results alive at once: 2 for each queued task
constexpr std::uint32_t kEntriesPerChunk = 1u << 12;   // entry headers reserved at a time: 1 MiB
constexpr std::uint32_t kRingSlots = 2048;             // messages under way from one client: 128 KiB
constexpr std::uint32_t kGrantSlots = 256;             // grants under way to one client: 16 KiB
constexpr std::uint32_t kOfferSlots = 128;             // tasks offered to one worker, and those taken back since
constexpr std::uint32_t kRowsPerFirstChunk = 1024;     // handle rows of a new client: 32 KiB; each next chunk doubles
constexpr std::uint32_t kRowChunksMax = 13;            // 1024 * (2^13 - 1) rows: more than kEntriesMax
constexpr std::uint64_t kRowPoolBytes = 512ull << 20;  // all handle rows of all clients
constexpr std::uint64_t kSpecBytesMax = 1ull << 20;    // one task's spec; larger arguments travel as objects
constexpr std::uint32_t kArgumentsMax = 1024;          // arguments of one task
constexpr std::uint32_t kTasksMax = 2'000'000;         // queued and running tasks of a session
constexpr std::uint32_t kFrameBytesMax = 1u << 20;     // one control message
constexpr std::uint32_t kWorkersMax = 1024;            // worker processes of a session
constexpr std::uint32_t kActorsMax = 3000;             // actors alive at once: each is a process and a client
constexpr std::uint32_t kNamesMax = 1u << 16;          // published names: 16 MiB of records
constexpr std::uint32_t kNamesPerChunk = 256;          // records of names reserved at a time: 64 KiB
constexpr std::uint32_t kNameBuckets = kNamesMax;      // about one name a bucket when the table is full: 512 KiB
constexpr std::uint32_t kNameBytesMax = 232;           // of one name: its record is 256 bytes
constexpr std::uint32_t kVictimsKept = 1024;           // evictions that a reader may be behind: 64 KiB
constexpr std::uint32_t kDeathsKept = 1024;            // of processes, the newest: 64 KiB
constexpr std::uint32_t kSamplesKept = 512;            // of what the session held: 160 KiB
constexpr std::uint32_t kSitesMax = 2048;              // call sites of a session: 512 KiB
constexpr std::uint32_t kLogRecordsMax = 1u << 20;     // of the reference log: 64 MiB
constexpr std::uint32_t kActivitiesKept = 256;         // of each process, tasks and waits: 16 KiB
constexpr std::uint32_t kWeakNamesMax = 1u << 20;      // objects that one process may hold weakly at once
constexpr std::uint64_t kCapacityBytesMin = 1ull << 20;
constexpr std::uint64_t kCapacityBytesDefault = 1ull << 30;
// Tops of the counters (base/saturation.h, refs/state_word.h): small in the test program "saturation", which compiles
// what uses them once more, as a whole.
#ifdef MOBULA_SMALL_TOPS
constexpr std::uint32_t kCountTop = 8;
constexpr std::uint64_t kGenerationTop = 7;
#else
constexpr std::uint32_t kCountTop = 1u << 31;               // the upper half is the room for adds under way
constexpr std::uint64_t kGenerationTop = (1ull << 48) - 1;  // all that the state word and an ObjectID have room for
#endif
constexpr std::int64_t kPutTimeoutMsDefault = 30'000;  // how long a put waits for space before it throws

}  // namespace mobula::base
