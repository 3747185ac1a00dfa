// ray/api/task_caller.h: ray::Task(f).Remote(arguments...).
//   Threads    every function may be called by any thread; one TaskCaller belongs to one thread
//   Errors     Task: RayException when f was not registered. Remote: those of ray/api/option_checks.h and of
//              ray/api/exceptions.h. What goes wrong later arrives with Get of the result
//   Cost       arguments up to kInlineArgumentBytes travel with the task, packed on the stack; larger ones become
//              objects first, so that they are copied once
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/function_traits.h"
#include "ray/api/invoker.h"
#include "ray/api/object_ref.h"
#include "ray/api/objects.h"
#include "ray/api/option_checks.h"
#include "ray/api/pack_buffer.h"
#include "ray/api/serializer.h"
#include "ray/api/stored_form.h"

namespace ray {
namespace internal {

inline constexpr std::uint64_t kInlineArgumentBytes = 64 * 1024;
static_assert(kInlineArgumentBytes <= PackBuffer::kKeptBytesMax, "what travels with the task is packed once");

// What one argument needs until the task is submitted. Slots are destroyed in reverse order, as nested Collectors ask.
struct ArgumentSlot {
  PackBuffer buffer{PackBuffer::kKeptBytesMax};
  std::optional<mobula::runtime::Collector> collector;
  mobula::Reference stored;
};

inline mobula::runtime::Argument reference_argument(const mobula::Reference &reference) {
  mobula::runtime::Argument argument;
  argument.reference = &reference;
  return argument;
}

// Describes `value` as the argument for a parameter of decayed type Parameter. An ObjectRef<T> given for a T is a
// dependency; given for a parameter of its own type it is a value like any other. What a mobula::View shall look at
// becomes an object first.
template <typename Parameter, typename T>
mobula::runtime::Argument make_argument(const T &value, ArgumentSlot &slot) {
#ifdef MOBULA_PORTABLE
  static_assert(!kIsObjectRef<Parameter>, "Ray's C++ API does not take ObjectRef parameters");
#endif
  if constexpr (kIsView<T> || (kIsObjectRef<T> && !std::is_same_v<T, Parameter>)) {
    return reference_argument(value.reference());
  } else if constexpr (kIsView<Parameter>) {
    const ViewedType<Parameter> &viewed = value;
    slot.stored = store_raw(viewed);
    return reference_argument(slot.stored);
  } else {
    mobula::runtime::Argument argument;
    if constexpr (kMayContainReferences<T>) slot.collector.emplace();
    const Encoded encoded = encode(value, slot.buffer);
    if constexpr (kMayContainReferences<T>) {
      argument.contained = slot.collector->data();
      argument.contained_count = slot.collector->size();
    }
    if (encoded.size > kInlineArgumentBytes) {
      slot.stored = seal(write_draft(value, encoded), argument.contained, argument.contained_count);
      return reference_argument(slot.stored);
    }
    argument.data = encoded.data;
    argument.bytes = encoded.size;
    argument.format = encoded.format;
    return argument;
  }
}

// Packs the arguments and calls `send` with them. `Parameters` are the decayed parameter types.
template <typename... Parameters, typename Send, typename... Values>
void with_arguments(std::tuple<Parameters...> *, const Send &send, const Values &...values) {
  if constexpr (sizeof...(Values) == 0) {
    throw_unless_ok(send(nullptr, 0));
  } else {
    std::array<ArgumentSlot, sizeof...(Values)> slots;
    std::size_t next = 0;
    // Braces: evaluated from left to right.
    const mobula::runtime::Argument arguments[] = {make_argument<Parameters>(values, slots[next++])...};
    throw_unless_ok(send(arguments, sizeof...(Values)));
  }
}

// The number of a registered function.
template <typename F>
std::uint64_t find_function(F function) {
  const std::uint64_t number = mobula::runtime::find_function(&function, sizeof(function), kInvoker<F>);
  if (number == 0) throw RayException("Function not found. Please use RAY_REMOTE to register this function.");
  return number;
}

template <typename F>
class TaskCaller : public CallerOptions<TaskCaller<F>> {
 public:
  using Traits = FunctionTraits<F>;

  // REQUIRES: `function` is a number that find_function gave.
  TaskCaller(std::uint64_t function, const mobula::CallSite &site) : function_(function), site_(site) {}

  // Queues the task and returns at once. Each argument is a value or an ObjectRef of one.
  template <typename... Values>
  ObjectRef<ResultType<typename Traits::Result>> Remote(const Values &...values) {
    static_assert(sizeof...(Values) == Traits::kParameterCount, "Remote: arguments do not match the function");
    const mobula::runtime::TaskOptions &options = this->checked_options();
    const mobula::runtime::AtCallSite at(site_);
    mobula::Reference result;
    with_arguments(
        static_cast<typename Traits::Arguments *>(nullptr),
        [&](const mobula::runtime::Argument *arguments, std::size_t count) {
          return mobula::runtime::submit(function_, arguments, count, options, &result);
        },
        values...);
    return ObjectRef<ResultType<typename Traits::Result>>(std::move(result));
  }

 private:
  std::uint64_t function_;
  mobula::CallSite site_;
};

}  // namespace internal

// A caller for `function`, a free or static function, or the overload that RAY_FUNC picked.
template <typename F>
internal::TaskCaller<F> Task(F function, const mobula::CallSite &site = mobula::CallSite::here()) {
  static_assert(internal::FunctionTraits<F>::kIsFunction, "ray::Task takes a free or static function");
  return internal::TaskCaller<F>(internal::find_function(function), site);
}

}  // namespace ray
