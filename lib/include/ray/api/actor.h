// ray/api/actor.h: actors: ray::Actor(factory).Remote(arguments...), handle.Task(&Class::Method).Remote(arguments...).
//   Threads    every function may be called by any thread; one handle or caller belongs to one thread at a time
//   Process    an actor is a process of its own, which makes the object and runs its methods
//   Ownership  a handle is counted, wherever it lies: in a variable, in an argument, inside an object. An actor without
//              a name for itself (detached) ends when its last handle is gone and its calls have ended
//   Errors     RayException when factory or method was not registered. RayActorException comes with Get of a result
//   Cost       a call: that of a task
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/function_traits.h"
#include "ray/api/object_ref.h"
#include "ray/api/option_checks.h"
#include "ray/api/optional.h"
#include "ray/api/task_caller.h"

namespace ray {
namespace internal {

// Where the Base part of a Derived lies, in bytes. Not for virtual bases.
template <typename Derived, typename Base>
std::int32_t offset_of_base() {
  constexpr std::uintptr_t kSomewhere = 4096;
  auto *const derived = reinterpret_cast<Derived *>(kSomewhere);
  const auto base = reinterpret_cast<std::uintptr_t>(static_cast<Base *>(derived));
  return static_cast<std::int32_t>(base - kSomewhere);
}

// handle.Task(method)
template <typename M>
class ActorTaskCaller : public ResourceOptions<ActorTaskCaller<M>> {
 public:
  using Traits = MethodTraits<M>;

  ActorTaskCaller(mobula::Reference actor, std::uint64_t method, std::int32_t instance_offset,
                  const mobula::CallSite &site)
      : actor_(std::move(actor)), method_(method), instance_offset_(instance_offset), site_(site) {
    this->options().retries = 0;
  }

  // Queues the call and returns at once. Each argument is a value or an ObjectRef of one.
  template <typename... Values>
  ObjectRef<ResultType<typename Traits::Result>> Remote(const Values &...values) {
    static_assert(sizeof...(Values) == Traits::kParameterCount, "Remote: arguments do not match the method");
    const mobula::runtime::TaskOptions &options = this->checked_options();
    const mobula::runtime::AtCallSite at(site_);
    mobula::Reference result;
    with_arguments(
        static_cast<typename Traits::Arguments *>(nullptr),
        [&](const mobula::runtime::Argument *arguments, std::size_t count) {
          return mobula::runtime::call_actor(actor_, method_, instance_offset_, arguments, count, options, &result);
        },
        values...);
    return ObjectRef<ResultType<typename Traits::Result>>(std::move(result));
  }

 private:
  mobula::Reference actor_;
  std::uint64_t method_;
  std::int32_t instance_offset_;
  mobula::CallSite site_;
};

}  // namespace internal

// One counted handle of an actor of type T. Empty, or valid until dropped.
template <typename T, bool is_xlang = false>
class ActorHandle : public internal::ObjectRefBase {
 public:
  ActorHandle() = default;
  // By ID(): for an actor that is still there.
  ActorHandle(const std::string &id) : ObjectRefBase(id) {}
  explicit ActorHandle(mobula::Reference actor) : ObjectRefBase(std::move(actor)) {}

  bool operator==(const ActorHandle &other) const { return same_id(other); }
  static bool IsActorHandle() { return true; }
  static ActorHandle FromBytes(const std::string &id) { return ActorHandle(id); }

  // A caller for a method of T or of a base class of it.
  template <typename M>
  internal::ActorTaskCaller<M> Task(M method, const mobula::CallSite &site = mobula::CallSite::here()) const {
    using Traits = internal::MethodTraits<M>;
    static_assert(Traits::kIsMethod, "ActorHandle::Task takes a member function");
    static_assert(std::is_base_of_v<typename Traits::Class, T>, "the member function is not of the actor's class");
    return internal::ActorTaskCaller<M>(reference(), internal::find_function(method),
                                        internal::offset_of_base<T, typename Traits::Class>(), site);
  }

  // Ends the actor's process; calls that have not ended fail with RayActorException. It is not restarted.
  void Kill() const { Kill(true); }
  // With `no_restart` false it is restarted, if it may.
  void Kill(bool no_restart) const { internal::throw_unless_ok(mobula::runtime::kill_actor(reference(), no_restart)); }
};

namespace internal {

// ray::Actor(factory)
template <typename F>
class ActorCreator : public CallerOptions<ActorCreator<F>> {
 public:
  using Traits = FunctionTraits<F>;
  using ActorType = std::remove_cv_t<std::remove_pointer_t<typename Traits::Result>>;

  ActorCreator(std::uint64_t factory, const mobula::CallSite &site) : factory_(factory), site_(site) {}

  // For GetActor, in the namespace of this job.
  ActorCreator &SetName(std::string name) { return SetName(std::move(name), ""); }
  ActorCreator &SetName(std::string name, std::string ray_namespace) {
    options_.name = std::move(name);
    options_.name_space = std::move(ray_namespace);
    return *this;
  }
  // How often it is made anew when its process dies; -1 = without end.
  ActorCreator &SetMaxRestarts(int max_restarts) {
    options_.restarts_max = max_restarts;
    return *this;
  }
  // How many calls run side by side, each in a thread.
  ActorCreator &SetMaxConcurrency(int max_concurrency) {
    options_.concurrency = max_concurrency < 0 ? 0 : static_cast<std::uint32_t>(max_concurrency);
    return *this;
  }
  // Set by the functions of mobula/actor.h.
  mobula::runtime::ActorOptions &actor_options() { return options_; }

  // Queues the making of the actor and returns at once. Throws when the name is taken.
  template <typename... Values>
  ActorHandle<ActorType> Remote(const Values &...values) {
    static_assert(sizeof...(Values) == Traits::kParameterCount, "Remote: arguments do not match the factory");
    options_.task = this->checked_options();
    const mobula::runtime::AtCallSite at(site_);
    mobula::Reference actor;
    with_arguments(
        static_cast<typename Traits::Arguments *>(nullptr),
        [&](const mobula::runtime::Argument *arguments, std::size_t count) {
          return mobula::runtime::create_actor(factory_, arguments, count, options_, &actor);
        },
        values...);
    return ActorHandle<ActorType>(std::move(actor));
  }

 private:
  std::uint64_t factory_;
  mobula::runtime::ActorOptions options_;
  mobula::CallSite site_;
};

}  // namespace internal

// A creator of actors; `factory` returns a pointer to the new object.
template <typename F>
internal::ActorCreator<F> Actor(F factory, const mobula::CallSite &site = mobula::CallSite::here()) {
  static_assert(internal::IsFactory<F>::value, "ray::Actor takes a free or static function that returns a pointer");
  return internal::ActorCreator<F>(internal::find_function(factory), site);
}

// A handle of the living actor of that name in that namespace ("" = of this job); nothing when there is none.
template <typename T>
internal::Optional<ActorHandle<T>> GetActor(const std::string &actor_name, const std::string &ray_namespace = "",
                                            const mobula::CallSite &site = mobula::CallSite::here()) {
  const mobula::runtime::AtCallSite at(site);
  mobula::Reference actor;
  if (actor_name.empty()) return {};
  internal::throw_unless_ok(mobula::runtime::find_actor(actor_name, ray_namespace, &actor));
  if (actor.empty()) return {};
  return ActorHandle<T>(std::move(actor));
}

namespace internal {

// Leaves the actor's method; the worker ends the actor.
class RayIntentionalSystemExitException : public RayException, public mobula::runtime::ActorExit {
 public:
  using RayException::RayException;
};

}  // namespace internal

// Ends the actor that calls it: its call fails with RayActorException, and it is not restarted. Throws std::logic_error
// outside of actors.
inline void ExitActor() {
  if (!mobula::runtime::is_actor()) throw std::logic_error("This shouldn't be called on a non-actor worker.");
  throw internal::RayIntentionalSystemExitException("exit actor");
}

// Whether the actor that calls it was made anew after its death.
inline bool WasCurrentActorRestarted() { return mobula::runtime::actor_restarts() > 0; }

}  // namespace ray
