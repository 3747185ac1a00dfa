// segment/records.h: what lies in the segment for tools: what was, and where in the program. Nothing is decided by it.
//   Layout     rings of records with a `number` (segment/notes.h), and the table of sites (segment/sites.h)
//   Threads    as each record says
//   Crash      a record whose writer died in it is not read
//   Change     as segment/layout.h
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/limits.h"
#include "segment/words.h"

namespace mobula::segment {

// How a process of the session came to its end: a ring that the raylet writes. Number n lies in place n % kDeathsKept;
// `number` is 0 while it is written.
struct alignas(kCacheLineBytes) Death {
  Word number;  // counts from 1
  Word ended_ns;
  Word task_generation;
  Half task_entry;  // the result of what it ran; kNoEntry: nothing
  Half task_site;   // the function of that, as a site
  Half pid;
  Half client;
  Half kind;   // ClientKind
  Half cause;  // DeathCause
  Half code;   // exit status or signal: see the cause
  Half is_actor;
};
static_assert(std::is_standard_layout_v<Death> && sizeof(Death) == kCacheLineBytes);

enum class DeathCause : std::uint32_t {
  kUnknown = 0,     // launched by hand: nobody but its parent knows
  kExited = 1,      // by itself: `code` is its exit status
  kSignal = 2,      // from outside, or by its own fault: `code` is the signal
  kShutdown = 3,    // it called Shutdown, or closed its connection
  kCancelled = 4,   // the raylet killed it, because its task was cancelled with force
  kDeadline = 5,    // because the task's time was over
  kMemory = 6,      // it ran out of the memory that it may have; `code` as of kSignal
  kKilled = 7,      // by ray::Kill
  kActorEnded = 8,  // ExitActor, or nobody refers to the actor any more
  kNotNeeded = 9,   // an idle worker
  kJobEnded = 10,   // its driver is gone
  kExpelled = 11,   // it broke the protocol
};
constexpr const char *name_of(DeathCause cause) {
  constexpr const char *kNames[] = {"unknown", "exited", "signal",      "shutdown",   "cancelled", "deadline",
                                    "memory",  "killed", "actor ended", "not needed", "job ended", "expelled"};
  const auto number = static_cast<std::size_t>(cause);
  return number < sizeof kNames / sizeof *kNames ? kNames[number] : "unknown";
}

// Part of a sample: bytes of one site, or of one client.
struct Share {
  Half id;
  Half objects;
  Word bytes;
};
constexpr std::uint32_t kSharesPerSample = 8;
// What the session held at a moment: a ring that the raylet writes, as Death.
struct alignas(kCacheLineBytes) Sample {
  Word number;
  Word at_ns;
  Word used_bytes;
  Word objects;
  Word references;  // holders, not handles
  Word freed;       // SegmentHeader::freed
  Word evictions;
  Half tasks_waiting;
  Half tasks_running;
  Share sites[kSharesPerSample];    // largest first; id 0 ends the list
  Share holders[kSharesPerSample];  // by client
};
static_assert(std::is_standard_layout_v<Sample> && sizeof(Sample) == 320);

// A call site, or what else made or took something. Any process interns one by CAS on the key and then writes the text,
// which is the same whoever writes it (segment/sites.h).
enum class SiteKind : std::uint32_t {
  kNone = 0,
  kLine = 1,      // function() at file:line
  kArgument = 2,  // argument `line` of the task `function`
  kTask = 3,      // inside the task `function`
  kStack = 4,     // the text is a list of addresses (MOBULA_STACKS)
};
constexpr std::uint32_t kSiteWords = 30;
struct alignas(256) Site {
  Word key;               // hash of all below; 0: unused
  Word about;             // 0: no text yet. kind | bytes of the file << 8 | bytes of the function << 16 | line << 32
  Word text[kSiteWords];  // file, then function
};
static_assert(std::is_standard_layout_v<Site> && sizeof(Site) == 256);

// One event of the reference log: what a process or the raylet did to an entry.
enum class Event : std::uint32_t {
  kNone = 0,
  kCreate = 1,
  kSeal = 2,
  kFail = 3,
  kTake = 4,     // the process holds it from now on
  kCopy = 5,     // a further handle; only with MOBULA_STACKS
  kRelease = 6,  // the process holds it no more
  kPin = 7,
  kUnpin = 8,
  kRecycle = 9,  // freed by its creator, who alone knew it
  kFree = 10,    // by the raylet
  kEvict = 11,
  kReap = 12,  // given back for a process that died
};
struct alignas(kCacheLineBytes) LogRecord {
  Word number;  // counts from 1; 0 or kLogBusy: being written
  Word at_ns;
  Word generation;
  Word bytes;
  Half entry;
  Half event;
  Half pid;
  Half site;
  Half holder;  // of kReap: the pid that died
  Half reserved;
};
static_assert(std::is_standard_layout_v<LogRecord> && sizeof(LogRecord) == kCacheLineBytes);

// What a process did, a task or a wait: a ring of its own for each client (ClientRings), written by its threads.
enum class ActivityKind : std::uint32_t { kNone = 0, kTask = 1, kWait = 2 };
enum class ActivityEnd : std::uint32_t { kDone = 0, kThrew = 1, kFailed = 2 };
struct alignas(kCacheLineBytes) Activity {
  Word number;  // counts from 1; 0 while written
  Word began_ns;
  Word ended_ns;
  Word generation;  // of the task's result, or of what was waited for
  Half entry;
  Half kind;
  Half end;   // ActivityEnd
  Half site;  // the function, or where it waited
  Half pid;
  Half reserved;
};
static_assert(std::is_standard_layout_v<Activity> && sizeof(Activity) == kCacheLineBytes);

}  // namespace mobula::segment
