// worker/execute.h: runs one offered task: claim, call, settle (steps Q2 to Q5 of docs/reference-rules.md).
//   Threads    tasks: thread-bound (the worker's main thread); calls of an actor: any thread, once it is made
//   Errors     what the user's function throws becomes the task's failure; nothing of it goes further up
#pragma once

#include <optional>

#include "client/functions.h"
#include "client/session.h"
#include "tasks/task_spec.h"
#include "wire/ring_messages.h"

namespace mobula::worker {

class Executor {
 public:
  // The actor that this worker has become.
  struct Actor {
    void *instance = nullptr;  // null: none
    void (*destroy)(void *instance) = nullptr;
    std::uint32_t concurrency = 1;
  };
  enum class Outcome {
    kTakenBack,  // by the raylet; nothing was done
    kRan,
    kThrew,   // and is to run again: its result is not settled
    kFailed,  // run_again only: the factory threw
    kExits,   // the actor has asked for its own end
  };

  explicit Executor(client::Session &session) : session_(session) {}

  // A task, a factory, or a call of this worker's actor.
  Outcome run(const wire::TaskOffer &offer);
  // The factory of an actor that died before: its entry is settled already.
  Outcome run_again(const wire::TaskOffer &offer);
  // Starts to fetch what a task that is offered, but not yet due, will need.
  void prefetch(const wire::TaskNames &names) const;
  const Actor &actor() const { return actor_; }

 private:
  class RunningCall;
  // How the user's function ended.
  struct Attempt {
    std::optional<Error> error;
    bool exits = false;
    bool may_retry = false;  // the function threw, and wants to be tried again then
  };

  bool are_entries(const wire::TaskNames &names) const;
  bool claim(const wire::TaskNames &names);
  bool begin_result(const refs::ObjectName &result);
  Outcome execute(const wire::TaskOffer &offer);
  Attempt attempt(const wire::TaskOffer &offer);
  Attempt run_function(const tasks::TaskSpec &spec, const client::Function &function, const wire::TaskOffer &offer);
  Attempt call_function(const tasks::TaskSpec &spec, const client::Function &function, const wire::TaskOffer &offer);
  Attempt make_actor(const tasks::TaskSpec &spec, const client::Function &function, const wire::TaskOffer &offer);
  Attempt invoke(const client::Function &function, RunningCall &call);
  Error cancelled(const tasks::TaskSpec &spec, const refs::ObjectName &spec_name, Error thrown) const;
  void describe_actor(const refs::ObjectName &entry);
  void settle(const refs::ObjectName &result, refs::State state);
  void settle_error(const refs::ObjectName &result, const Error &error);
  Status write(const refs::ObjectName &result, const void *data, std::uint64_t bytes, Format format, segment::Kind kind,
               std::span<const Reference> contained);
  Status write_forward(const refs::ObjectName &result, const void *data, std::uint64_t bytes, Format format,
                       std::vector<refs::ObjectName> contained);
  Status forward(const refs::ObjectName &result, Draft &&draft, std::vector<refs::ObjectName> contained);

  client::Session &session_;
  Actor actor_;
};

}  // namespace mobula::worker
