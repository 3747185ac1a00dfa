// The exported functions of mobula/runtime_tasks.h that concern actors.
#include <fmt/format.h>

#include <atomic>

#include "client/current.h"
#include "client/local_mode.h"
#include "client/session.h"

namespace mobula {
namespace client {
namespace {

constexpr std::int64_t kNoActor = -1;
std::atomic<std::int64_t> actor_restarts{kNoActor};

}  // namespace

void set_actor(std::optional<std::uint32_t> restarts) {
  actor_restarts.store(restarts ? static_cast<std::int64_t>(*restarts) : kNoActor, std::memory_order_relaxed);
}

}  // namespace client

namespace runtime {

using client::current_session;
using client::not_initialized;
using client::Session;

namespace {

// The raylet refuses a name that an actor has by not naming the new one.
Status check_name(Session &session, const ActorOptions &options, const Reference &actor) {
  Reference found;
  if (Status status = session.find_actor(options.name, options.name_space, &found)) return status;
  if (!found.empty() && Session::name_of(found) == Session::name_of(actor)) return nullptr;
  return base::failure(Code::kInvalidArgument,
                       fmt::format("Actor with name '{}' already exists in the namespace {}", options.name,
                                   options.name_space.empty() ? "of this job" : options.name_space));
}

}  // namespace

Status create_actor(std::uint64_t factory, const Argument *arguments, std::size_t count, const ActorOptions &options,
                    Reference *actor) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  if (options.concurrency == 0 || options.concurrency > kActorConcurrencyMax) {
    return base::failure(Code::kInvalidArgument, fmt::format("max concurrency must be 1 to {}, {} was given",
                                                             kActorConcurrencyMax, options.concurrency));
  }
  const client::JobDefaults &defaults = client::job_defaults();
  ActorOptions complete = options;
  complete.detached = options.detached.value_or(defaults.detached_actors);
  if (complete.task.runtime_env.empty()) complete.task.runtime_env = defaults.runtime_env;
  client::Submission submission{factory, {arguments, count}, complete.task};
  submission.creation = &complete;
  Reference created;
  if (Status status = client::submit(*session, submission, &created)) return status;
  if (!options.name.empty() && client::local_mode() == nullptr) {
    if (Status status = check_name(*session, options, created)) return status;
  }
  *actor = std::move(created);
  return nullptr;
}

Status call_actor(const Reference &actor, std::uint64_t method, std::int32_t instance_offset, const Argument *arguments,
                  std::size_t count, const TaskOptions &options, Reference *result) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  client::Submission submission{method, {arguments, count}, options};
  submission.actor = &actor;
  submission.instance_offset = instance_offset;
  return client::submit(*session, submission, result);
}

Status find_actor(std::string_view name, std::string_view name_space, Reference *actor) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  if (client::LocalMode *const local = client::local_mode()) return local->find_actor(name, name_space, actor);
  return session->find_actor(name, name_space, actor);
}

Status kill_actor(const Reference &actor, bool no_restart) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  if (client::LocalMode *const local = client::local_mode()) return local->kill_actor(actor);
  return session->kill_actor(actor, no_restart);
}

bool is_actor() {
  if (client::local_mode() != nullptr) return client::LocalMode::is_inside_actor();
  return client::actor_restarts.load(std::memory_order_relaxed) != client::kNoActor;
}

std::uint32_t actor_restarts() {
  return client::local_mode() == nullptr && is_actor()
             ? static_cast<std::uint32_t>(client::actor_restarts.load(std::memory_order_relaxed))
             : 0;
}

Status job_namespace(std::string *name_space) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->job_namespace(name_space);
}

}  // namespace runtime
}  // namespace mobula
