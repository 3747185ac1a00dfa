// ray/api/xlang.h: functions and actors of Python and Java. Programs that name them compile; calling them needs Ray.
//   Threads    as the callers of ray/api/task_caller.h
//   Errors     Remote throws a RayException that says so
#pragma once

#include <string>
#include <utility>

#include "mobula/runtime.h"
#include "ray/api/actor.h"
#include "ray/api/exceptions.h"
#include "ray/api/object_ref.h"
#include "ray/api/option_checks.h"
#include "ray/api/optional.h"
#include "ray/api/task_caller.h"

namespace ray {

template <typename R>
struct PyFunction {
  bool IsPython() { return true; }
  R operator()() { return R(); }

  std::string module_name;
  std::string function_name;
};

struct PyActorClass {
  bool IsPython() { return true; }
  void operator()() {}

  std::string module_name;
  std::string class_name;
  std::string function_name = "__init__";
};

template <typename R>
struct PyActorMethod {
  bool IsPython() { return true; }
  R operator()() { return R(); }

  std::string function_name;
};

template <typename R>
struct JavaFunction {
  bool IsJava() { return true; }
  R operator()() { return R(); }

  std::string class_name;
  std::string function_name;
};

struct JavaActorClass {
  bool IsJava() { return true; }
  void operator()() {}

  std::string class_name;
  std::string module_name = "";
  std::string function_name = "<init>";
};

template <typename R>
struct JavaActorMethod {
  bool IsJava() { return true; }
  R operator()() { return R(); }

  std::string function_name;
};

namespace internal {

[[noreturn]] inline void throw_runs_on_ray(const std::string &what) {
  throw RayException(what + " runs on Ray: build the program for it (docs/scaling-out.md), or write it in C++.");
}

template <typename R>
std::string described(const PyFunction<R> &function) {
  return "The Python function " + function.module_name + "." + function.function_name;
}
template <typename R>
std::string described(const JavaFunction<R> &function) {
  return "The Java function " + function.class_name + "." + function.function_name;
}
inline std::string described(const PyActorClass &actor) {
  return "The Python actor " + actor.module_name + "." + actor.class_name;
}
inline std::string described(const JavaActorClass &actor) { return "The Java actor " + actor.class_name; }
template <typename R>
std::string described(const PyActorMethod<R> &method) {
  return "The Python method " + method.function_name;
}
template <typename R>
std::string described(const JavaActorMethod<R> &method) {
  return "The Java method " + method.function_name;
}

// Takes all options and arguments, and submits nothing.
template <typename R>
class XlangCaller : public CallerOptions<XlangCaller<R>> {
 public:
  explicit XlangCaller(std::string what) : what_(std::move(what)) {}

  template <typename... Values>
  ObjectRef<R> Remote(const Values &...) {
    throw_runs_on_ray(what_);
  }

 private:
  std::string what_;
};

}  // namespace internal

// A handle of an actor of another language; no session has one.
template <>
class ActorHandle<void, true> {
 public:
  ActorHandle() = default;
  ActorHandle(const std::string &id) : id_(id) {}

  const std::string &ID() const { return id_; }
  static bool IsActorHandle() { return true; }

  template <typename R>
  internal::XlangCaller<R> Task(PyActorMethod<R> method) {
    return internal::XlangCaller<R>(internal::described(method));
  }
  template <typename R>
  internal::XlangCaller<R> Task(JavaActorMethod<R> method) {
    return internal::XlangCaller<R>(internal::described(method));
  }
  void Kill(bool = true) { internal::throw_runs_on_ray("An actor of another language"); }

 private:
  std::string id_;
};
using ActorHandleXlang = ActorHandle<void, true>;

namespace internal {

class XlangActorCreator : public CallerOptions<XlangActorCreator> {
 public:
  explicit XlangActorCreator(std::string what) : what_(std::move(what)) {}

  using CallerOptions<XlangActorCreator>::SetName;
  XlangActorCreator &SetName(std::string name, std::string) { return SetName(std::move(name)); }
  XlangActorCreator &SetMaxRestarts(int) { return *this; }
  XlangActorCreator &SetMaxConcurrency(int) { return *this; }

  template <typename... Values>
  ActorHandleXlang Remote(const Values &...) {
    throw_runs_on_ray(what_);
  }

 private:
  std::string what_;
};

}  // namespace internal

template <typename R>
internal::XlangCaller<R> Task(PyFunction<R> function) {
  return internal::XlangCaller<R>(internal::described(function));
}
template <typename R>
internal::XlangCaller<R> Task(JavaFunction<R> function) {
  return internal::XlangCaller<R>(internal::described(function));
}
inline internal::XlangActorCreator Actor(PyActorClass actor) {
  return internal::XlangActorCreator(internal::described(actor));
}
inline internal::XlangActorCreator Actor(JavaActorClass actor) {
  return internal::XlangActorCreator(internal::described(actor));
}

// A handle of the living actor of that name, as one of another language.
inline internal::Optional<ActorHandleXlang> GetActor(const std::string &actor_name,
                                                     const std::string &ray_namespace = "") {
  mobula::Reference actor;
  if (actor_name.empty()) return {};
  internal::throw_unless_ok(mobula::runtime::find_actor(actor_name, ray_namespace, &actor));
  if (actor.empty()) return {};
  return ActorHandleXlang(actor.id());
}

}  // namespace ray
