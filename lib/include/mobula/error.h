// mobula/error.h: what went wrong, as a value.
//   Threads    plain values
//   Ownership  an Error owns its texts and its causes
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#define MOBULA_EXPORT __attribute__((visibility("default")))

namespace mobula {

// What went wrong, as a value. The caller's next step is given with each value.
enum class Code : std::uint32_t {
  kOk = 0,
  kTimeout = 1,            // wait again: the reference is still good
  kTaskFailed = 2,         // the user's function threw: read type and message
  kWorkerDied = 3,         // the process that ran the task died, also on its retry: read pid and signal
  kStoreFull = 4,          // no space came before the deadline: release something, put again
  kTooLarge = 5,           // never fits: give the session more memory
  kObjectLost = 6,         // nobody has it any more, or it was never an object of this session
  kFunctionNotFound = 7,   // no worker of this session knows the function
  kNotInitialized = 8,     // call ray::Init first
  kRayletDied = 9,         // the session is over: Shutdown, then Init anew
  kInvalidArgument = 10,   // read the message
  kOwnerDied = 11,         // the driver that the task belonged to has ended
  kLimitReached = 12,      // a stated limit of the session: read the message
  kActorDied = 13,         // the actor has ended, was killed, or its constructor threw: make another one
  kActorUnavailable = 14,  // the actor died while it ran the call, and is being restarted: call again
  kCancelled = 15,         // somebody cancelled the task
  kDeadlineOver = 16,      // the task's own deadline came before its end
  kOutOfMemory = 17,       // the task could not get memory: std::bad_alloc, or a limit of its process
  kUnschedulable = 18,     // the task asks for more than the session will ever have: read the message
  kDeadlock = 19,          // the task and those it waits for wait for each other: read the message
};

struct Error {
  Code code = Code::kOk;
  std::string message;
  std::string function;  // the task's function, "" when no task was involved
  std::string type;      // demangled type of the user's exception, "" otherwise
  std::int32_t pid = 0;  // process that failed, 0 when unknown
  std::int32_t signal = 0;
  std::string task;             // its name as SetName gave it, "" otherwise
  std::int64_t started_ns = 0;  // when the task began to run, CLOCK_REALTIME; 0 when unknown
  std::int64_t failed_ns = 0;   // when it failed
  std::vector<Error> causes;    // what it failed because of, the nearest first; std::throw_with_nested fills it
};

// Null means success.
using Status = std::unique_ptr<Error>;

}  // namespace mobula
