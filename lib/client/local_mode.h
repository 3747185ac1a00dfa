// client/local_mode.h: tasks and actors of a session without workers: each runs in the thread that submits it, at once.
//   Threads    thread-safe; the calls of one actor exclude each other, whatever its concurrency
//   Process    of the driver alone; objects lie in its embedded session
//   Ownership  actors end with their last handle (noticed when the next one is made), when killed, or with LocalMode
//   Errors     what the user's function throws becomes the failure of its result, as in a worker
//   Cost       a task: its result is put into the store; no message, no other process
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "client/functions.h"
#include "client/session.h"

namespace mobula::client {

class LocalMode {
 public:
  LocalMode(Session &session, std::string name_space) : session_(session), name_space_(std::move(name_space)) {}
  // Ends the actors that are left.
  ~LocalMode();

  // Runs the task, factory or method. A Status only where there is no room for a result.
  Status submit(const Submission &submission, Reference *result);
  // An empty reference when no living actor has that name.
  Status find_actor(std::string_view name, std::string_view name_space, Reference *actor);
  // Ends the actor when its calls have ended; nothing is restarted here.
  Status kill_actor(const Reference &actor);
  // Whether this thread is inside an actor's factory or method.
  static bool is_inside_actor();

 private:
  struct Actor;
  class LocalCall;
  using Key = std::pair<std::uint32_t, std::uint64_t>;

  Status run(const Function &function, const Submission &submission, LocalCall &call);
  Status create_actor(const Function &function, const Submission &submission, Reference *result);
  Status call_actor(const Function &function, const Submission &submission, Reference *result);
  Status fail(const Error &error, Reference *result);
  Status check_name(const runtime::ActorOptions &options);
  std::shared_ptr<Actor> actor_of(const Reference &reference);
  void end_unreachable();

  Session &session_;
  const std::string name_space_;  // of the job
  std::mutex mutex_;              // of the table
  std::map<Key, std::shared_ptr<Actor>> actors_;
};

// Null unless this process is in local mode.
LocalMode *local_mode();
void set_local_mode(std::unique_ptr<LocalMode> local);
// In the child of a fork(): nothing of the parent's is ended.
void forget_local_mode_after_fork();

}  // namespace mobula::client
