// tasks/holdings.h: everything that a session holds, and who holds it: one look at its segment.
//   Threads    any process, while all others run. Reads only, and asks nobody: a stopped process is seen like any other
//   Crash      every word may be damaged: numbers are checked before they are used as a place or a count
//   Errors     what changes while it is read is seen before or after the change; an object freed meanwhile is left out
//   Cost       O(entries + rows); the spec of each task is decoded, and objects that contain others are searched for
//              their names, kSearchedBytesMax of them at most
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "objects/footprint.h"
#include "refs/state_word.h"
#include "segment/segment.h"
#include "tasks/claim.h"

namespace mobula::tasks {

constexpr std::uint64_t kSearchedBytesMax = 64ull << 20;

// A process of the session, by its client id; number 0 is the session itself.
struct Process {
  std::uint32_t pid = 0;
  segment::ClientKind kind = segment::ClientKind::kNone;  // kNone: nobody has the id
  bool is_ending = false;                                 // it is gone already, and what it held is being given back
  refs::ObjectName task;                                  // the result of what it runs; entry kNoEntry: nothing
  std::uint32_t task_site = 0;                            // the function of that
  std::int64_t task_since_ns = 0;                         // CLOCK_MONOTONIC, as all times here
  std::uint64_t tasks_run = 0;
  std::uint32_t actor_entry = segment::kNoEntry;  // the actor that it has become
  bool runs() const { return task.entry != segment::kNoEntry; }
};

// One process that refers to an object.
struct Holder {
  std::uint32_t client = 0;
  std::uint32_t handles = 0;  // those that pins own among them
  std::uint32_t pins = 0;
  std::uint32_t site = 0;     // where it took its first handle
  std::int64_t since_ns = 0;  // 0: unknown
  bool holds = false;         // its bit in the holder set
  bool pinned = false;        // its bit in the pin set
  std::uint32_t handles_beside_pins() const { return handles < pins ? 0 : handles - pins; }
};

// A task that the raylet has taken and not ended.
struct Task {
  refs::ObjectName spec;
  Claim claim = Claim::kIdle;
  std::uint32_t worker = 0;  // client id of the worker that may run it or runs it; 0: nobody
  std::uint32_t site = 0;    // where it was submitted
  std::uint32_t creator_pid = 0;
  std::int64_t since_ns = 0;  // running since, else submitted
  std::uint64_t function = 0;
  std::string name;        // as SetName gave it
  refs::ObjectName actor;  // of a call; entry kNoEntry: none
  bool makes_actor = false;
  bool is_over = false;  // it has made its actor and is kept to make it again, or the raylet has not read of its end
  bool runs() const { return claim == Claim::kRunning || claim == Claim::kCancelling; }
};

// Part of one of the lists in Holdings.
struct Part {
  std::uint32_t begin = 0;
  std::uint32_t count = 0;
};

struct Object {
  refs::ObjectName name;
  refs::State state = refs::State::kFree;
  segment::Kind kind = segment::Kind::kValue;  // of a settled one
  bool is_draft = false;                       // somebody writes it, and no task is to make it
  std::uint32_t site = 0;                      // where it was put, or its task submitted
  std::uint32_t creator_pid = 0;               // 0: unknown
  std::uint64_t size_bytes = 0;                // 0 while unknown
  std::int64_t created_ns = 0;                 // 0: unknown
  std::int64_t last_taken_ns = 0;              // the newest handle's
  std::uint32_t task_references = 0;           // of queued and running tasks: argument or result
  std::uint32_t captured_references = 0;       // of other objects that contain it
  std::uint32_t retained = 0;                  // segment::Retained bits: why it stays although nobody refers to it
  Part holders;                                // of Holdings::holders
  Part users;                                  // of Holdings::users: the tasks
  Part containers;                             // of Holdings::containers: those that were found
  std::uint32_t captures_found = 0;            // references that lie in those
  bool is_actor() const { return kind == segment::Kind::kActor; }
  // Nobody refers to it: the raylet frees it when it comes to it.
  bool is_to_be_freed() const {
    return refs::is_settled(state) && holders.count == 0 && task_references + captured_references + retained == 0;
  }
};

// Specs of tasks, and the buffers that large results lie in, are no objects of their own.
struct Holdings {
  std::vector<Process> processes;  // by client id
  std::vector<Object> objects;     // by entry
  std::vector<Holder> holders;
  std::vector<Task> tasks;
  std::vector<std::uint32_t> users;       // numbers of tasks
  std::vector<std::uint32_t> containers;  // numbers of objects
  std::vector<std::uint32_t> contents;    // numbers of objects, beside `containers`: what each of them contains
  objects::Footprint footprint;
  std::uint64_t epoch = 0;
  std::int64_t read_ns = 0;  // when it was read

  std::span<const Holder> holders_of(const Object &object) const { return part(holders, object.holders); }
  std::span<const std::uint32_t> users_of(const Object &object) const { return part(users, object.users); }
  std::span<const std::uint32_t> containers_of(const Object &object) const {
    return part(containers, object.containers);
  }

 private:
  template <typename Type>
  static std::span<const Type> part(const std::vector<Type> &all, const Part &wanted) {
    return std::span(all).subspan(wanted.begin, wanted.count);
  }
};

// `is_alive` tells whether a process has not ended; without it all count as alive that the raylet has not given up.
Holdings read_holdings(const segment::Segment &segment, std::int64_t now_ns,
                       const std::function<bool(std::uint32_t pid)> &is_alive = {});

}  // namespace mobula::tasks
