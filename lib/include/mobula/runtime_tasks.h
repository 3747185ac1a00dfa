// mobula/runtime_tasks.h: the untyped functions under ray::Task and ray::Actor. Include mobula/runtime.h.
//   Threads    every function may be called by any thread
//   Process    acts for the process that called init()
//   Errors     conditions come back as a Status (null = success)
//   Cost       submit, call_actor: one message in shared memory; find_actor: a question to the raylet
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mobula/error.h"

namespace mobula {

class Reference;
using Format = std::uint32_t;  // mobula/runtime.h

namespace runtime {

struct Argument {
  const Reference *reference = nullptr;  // set: the task gets that object's bytes
  const void *data = nullptr;            // else: these
  std::uint64_t bytes = 0;
  Format format = 0;
  const Reference *contained = nullptr;  // references packed inside the bytes
  std::size_t contained_count = 0;
};
struct Resource {
  std::string name;
  double quantity = 0;
};
struct TaskOptions {
  std::uint32_t retries = 1;        // after a worker's death, as Ray C++; of an actor's method: 0 (call_actor)
  bool retry_exceptions = false;    // also after an exception of the user's function
  std::int64_t deadline_ms = -1;    // from the submission; -1 = none
  std::string name;                 // of this task in reports and errors
  std::vector<Resource> resources;  // empty: one CPU
  std::string placement_group;      // its id, "" = none
  std::int32_t bundle = -1;         // of that group; -1 = any
  std::string runtime_env;          // JSON; "" = none
};
MOBULA_EXPORT Status submit(std::uint64_t function, const Argument *arguments, std::size_t count,
                            const TaskOptions &options, Reference *result);
// Asks for the end of the task that makes `result`: queued, it vanishes; running, it sees is_cancelled(); with `force`
// its worker is killed. Its result becomes kCancelled, unless it is settled first. kInvalidArgument: nothing makes it.
MOBULA_EXPORT Status cancel(const Reference &result, bool force);
// Inside a task: whether somebody has cancelled it.
MOBULA_EXPORT bool is_cancelled();

struct ActorOptions {
  TaskOptions task;        // of its factory; the resources are the actor's as long as it lives, none when not asked for
  std::string name;        // for find_actor; "" = none
  std::string name_space;  // "" = that of the job
  std::int32_t restarts_max = 0;  // -1 = without end
  std::uint32_t concurrency = 1;  // calls at a time, at most kActorConcurrencyMax
  std::optional<bool> detached;   // outlives its driver and its handles; nothing: as the job says
};
constexpr std::uint32_t kActorConcurrencyMax = 1024;

// Makes an actor: `factory` runs in a worker of its own. `*actor` names it: every handle is a reference, and counted.
// When none is left, and every call has ended, the actor ends.
MOBULA_EXPORT Status create_actor(std::uint64_t factory, const Argument *arguments, std::size_t count,
                                  const ActorOptions &options, Reference *actor);
// Queues a call. Calls of one process run in order (with a concurrency of 1). `instance_offset`: where in the actor the
// part lies that the method belongs to (a base class), in bytes.
MOBULA_EXPORT Status call_actor(const Reference &actor, std::uint64_t method, std::int32_t instance_offset,
                                const Argument *arguments, std::size_t count, const TaskOptions &options,
                                Reference *result);
// A handle of the living actor of that name; empty when there is none. "" as namespace: that of the job.
MOBULA_EXPORT Status find_actor(std::string_view name, std::string_view name_space, Reference *actor);
// Kills the actor's process: calls that have not ended fail. Without `no_restart` it may be restarted.
MOBULA_EXPORT Status kill_actor(const Reference &actor, bool no_restart);
// True inside an actor's factory and methods.
MOBULA_EXPORT bool is_actor();
// How often the actor of this process was restarted; 0 outside of actors.
MOBULA_EXPORT std::uint32_t actor_restarts();
// The namespace of this process's job.
MOBULA_EXPORT Status job_namespace(std::string *name_space);
// What ExitActor throws through the user's method: the worker ends the actor.
struct MOBULA_EXPORT ActorExit {};

}  // namespace runtime
}  // namespace mobula
