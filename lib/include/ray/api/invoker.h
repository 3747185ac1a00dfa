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

template <typename F>
struct Invocation;

template <typename R, typename... Parameters>
struct Invocation<R (*)(Parameters...)> {
  // The Invoker of this signature; `target` holds the function pointer.
  static void run(const void *target, mobula::Call &call) {
    if (call.argument_count() != sizeof...(Parameters)) {
      throw RayException("Arguments number not match: the function takes " + std::to_string(sizeof...(Parameters)) +
                         ", the task has " + std::to_string(call.argument_count()));
    }
    R (*function)(Parameters...);
    std::memcpy(&function, target, sizeof(function));
    constexpr std::index_sequence_for<Parameters...> kIndices;
    Arguments arguments = decode_arguments(call, static_cast<Arguments *>(nullptr), kIndices);
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
    } else {
      return set_result(function(static_cast<Parameters &&>(std::get<indices>(arguments))...), call);
    }
  }
};
template <typename R, typename... Parameters>
struct Invocation<R (*)(Parameters...) noexcept> : Invocation<R (*)(Parameters...)> {};

}  // namespace internal
}  // namespace ray
