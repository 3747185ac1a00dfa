// client/current.h: the session of this process, if it is in one.
//   Threads    any thread may ask; it is set by init, shutdown and the worker's start
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "client/session.h"

namespace mobula::client {

// Null when the process is in no session.
Session *current_session();
// What calls of a process that is in no session answer.
Status not_initialized();
// Submits, or runs in local mode. The raylet hears of it later while a SubmitBatch of this thread lives.
Status submit(Session &session, const Submission &submission, Reference *result);
// What the job says of its tasks and actors that say nothing themselves.
struct JobDefaults {
  bool detached_actors = false;
  std::string runtime_env;  // JSON; "" = none
};
const JobDefaults &job_defaults();
// This process is an actor from now on, which was restarted so often; nothing: it is none any more.
void set_actor(std::optional<std::uint32_t> restarts);
// Tells the one who asked of evictions, from inside of his own call, unless another thread is at it.
void tell_evictions();
// In the child of a fork(): nobody is told of evictions.
void forget_evictions_after_fork();
// The raylet that this process started, 0 = none. Its processes are a group of that number.
pid_t embedded_raylet();
// Makes a worker's session the one that user code in it uses, for the rest of the process's life.
void set_worker_session(std::unique_ptr<Session> session);
// What init() does in a process that the raylet started as a worker template and that reached its main: it becomes the
// template there, and init() does not return. Set by the worker's code.
using BecomeTemplate = void (*)();
void set_become_template(BecomeTemplate become_template);
// From now on a child made by fork() is in no session. Idempotent.
void protect_from_fork();

}  // namespace mobula::client
