// ray/api/invoker.h: runs one registered function in a worker: arguments in, call, result out.
//   Threads    reentrant
//   Errors     RayException "Arguments number not match" or "Arguments error: ..."; what the user's function throws
//              passes through unchanged
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/function_traits.h"
#include "ray/api/objects.h"
#include "ray/api/pack_buffer.h"
#include "ray/api/serializer.h"
#include "ray/api/stored_form.h"

namespace ray {
namespace internal {

// REQUIRES: index < call.argument_count().
template <typename T>
T decode_argument(const mobula::Call &call, std::size_t index) {
  try {
    if constexpr (kIsView<T>) {
      mobula::Reference reference = call.argument_reference(index);
      // A View without a handle would outlive what it shows.
      if (reference.empty()) throw RayException("no handle of the object could be taken for the view");
      return T(std::move(reference), call.argument(index));
    } else {
      return decode<T>(call.argument(index));
    }
  } catch (const RayException &error) {
    throw RayException("Arguments error: argument " + std::to_string(index + 1) + ": " + error.what());
  }
}

template <typename... Types, std::size_t... indices>
std::tuple<Types...> decode_arguments([[maybe_unused]] const mobula::Call &call, std::tuple<Types...> *,
                                      std::index_sequence<indices...>) {
  return std::tuple<Types...>{decode_argument<Types>(call, indices)...};
}

// What was only measured is packed straight into the memory of the result.
template <typename T>
mobula::Status set_encoded(const T &value, const Encoded &encoded, mobula::Call &call,
                           const mobula::Reference *contained, std::size_t contained_count) {
  if (encoded.data != nullptr || encoded.size == 0) {
    return call.set_result(encoded.data, encoded.size, encoded.format, contained, contained_count);
  }
  return call.set_result(write_draft(value, encoded), contained, contained_count);
}

template <typename T>
mobula::Status set_result(T &&value, mobula::Call &call) {
  using Value = std::decay_t<T>;
  PackBuffer buffer(PackBuffer::kKeptBytesMax);
  if constexpr (kIsDraft<Value>) {
    static_assert(!std::is_reference_v<T>, "a task returns its draft by value");
    return std::move(value).become_result(call);
  } else if constexpr (kMayContainReferences<Value>) {
    mobula::runtime::Collector collector;
    const Encoded encoded = encode(value, buffer);
    return set_encoded(value, encoded, call, collector.data(), collector.size());
  } else {
    return set_encoded(value, encode(value, buffer), call, nullptr, 0);
  }
}

// The result of a function that returns nothing: msgpack nil.
inline mobula::Status set_nil(mobula::Call &call) {
  constexpr unsigned char kNil = 0xc0;
  return call.set_result(&kNil, sizeof(kNil), mobula::format_of(mobula::Encoding::kMsgpack), nullptr, 0);
}

// What a factory returns.
template <typename T>
mobula::Status set_actor(T *actor, mobula::Call &call) {
  if (actor == nullptr) throw RayException("the actor's factory returned a null pointer");
  void (*destroy)(void *) = nullptr;
  // What a factory returns may be of a class derived from T, which only a virtual destructor ends.
  if constexpr (std::is_destructible_v<T> && (!std::is_polymorphic_v<T> || std::has_virtual_destructor_v<T>)) {
    destroy = [](void *instance) { delete static_cast<T *>(instance); };
  }
  call.set_instance(const_cast<std::remove_cv_t<T> *>(actor), destroy);
  return nullptr;
}

inline void check_argument_count(const mobula::Call &call, std::size_t parameters) {
  if (call.argument_count() == parameters) return;
  throw RayException("Arguments number not match: the function takes " + std::to_string(parameters) +
                     ", the task has " + std::to_string(call.argument_count()));
}

template <typename F>
struct Invocation;

template <typename R, typename... Parameters>
struct Invocation<R (*)(Parameters...)> {
  // The Invoker of this signature; `target` holds the function pointer.
  static void run(const void *target, mobula::Call &call) {
    check_argument_count(call, sizeof...(Parameters));
    R (*function)(Parameters...);
    std::memcpy(&function, target, sizeof(function));
    constexpr std::index_sequence_for<Parameters...> kIndices;
    Arguments arguments = decode_arguments(call, static_cast<Arguments *>(nullptr), kIndices);
    call.begin();
    throw_unless_ok(call_with(function, arguments, call, kIndices));
  }

 private:
  using Arguments = std::tuple<std::decay_t<Parameters>...>;

  // static_cast<P &&>: moves into values and T&&, binds T& and const T& to the decoded argument.
  template <std::size_t... indices>
  static mobula::Status call_with(R (*function)(Parameters...), [[maybe_unused]] Arguments &arguments,
                                  mobula::Call &call, std::index_sequence<indices...>) {
    if constexpr (std::is_void_v<R>) {
      function(static_cast<Parameters &&>(std::get<indices>(arguments))...);
      return set_nil(call);
    } else if constexpr (std::is_pointer_v<R>) {
      return set_actor(function(static_cast<Parameters &&>(std::get<indices>(arguments))...), call);
    } else {
      return set_result(function(static_cast<Parameters &&>(std::get<indices>(arguments))...), call);
    }
  }
};
template <typename R, typename... Parameters>
struct Invocation<R (*)(Parameters...) noexcept> : Invocation<R (*)(Parameters...)> {};

// Calls a method of the worker's actor.
template <typename M>
struct MethodInvocation {
  using Traits = MethodTraits<M>;

  // The Invoker of this signature; `target` holds the member function pointer.
  static void run(const void *target, mobula::Call &call) {
    check_argument_count(call, Traits::kParameterCount);
    M method;
    std::memcpy(&method, target, sizeof(method));
    auto *const instance = static_cast<typename Traits::Class *>(call.instance());
    if (instance == nullptr) throw RayException("a method was called in a worker that is no actor");
    constexpr std::make_index_sequence<Traits::kParameterCount> kIndices;
    typename Traits::Arguments arguments =
        decode_arguments(call, static_cast<typename Traits::Arguments *>(nullptr), kIndices);
    call.begin();
    throw_unless_ok(call_with(*instance, method, arguments, call, kIndices));
  }

 private:
  template <std::size_t index>
  using Parameter = std::tuple_element_t<index, typename Traits::RawParameters>;

  template <std::size_t... indices>
  static mobula::Status call_with(typename Traits::Class &instance, M method,
                                  [[maybe_unused]] typename Traits::Arguments &arguments, mobula::Call &call,
                                  std::index_sequence<indices...>) {
    constexpr bool kIsRvalueMethod = !std::is_invocable_v<M, typename Traits::Class &, Parameter<indices>...>;
    using Self = std::conditional_t<kIsRvalueMethod, typename Traits::Class &&, typename Traits::Class &>;
    auto &&self = static_cast<Self>(instance);
    if constexpr (std::is_void_v<typename Traits::RawResult>) {
      (static_cast<Self>(self).*method)(static_cast<Parameter<indices>>(std::get<indices>(arguments))...);
      return set_nil(call);
    } else {
      return set_result(
          (static_cast<Self>(self).*method)(static_cast<Parameter<indices>>(std::get<indices>(arguments))...), call);
    }
  }
};
template <typename M>
struct InvocationOf {
  using Type = Invocation<M>;
};
template <typename R, typename C>
struct InvocationOf<R C::*> {
  using Type = MethodInvocation<R C::*>;
};
// The invoker of a function or method.
template <typename F>
inline constexpr mobula::Invoker kInvoker = &InvocationOf<F>::Type::run;

}  // namespace internal
}  // namespace ray
