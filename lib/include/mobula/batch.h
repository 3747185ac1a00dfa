// mobula/batch.h: many objects and tasks at once.
//   Threads    every function may be called by any thread; one AsCompleted belongs to one thread
//   Errors     the exceptions of ray/api/exceptions.h
//   Cost       submit_all wakes the raylet once for all tasks (a full ring wakes it earlier). as_completed looks at
//              what is still open once for each wake-up, and takes all that has settled by then
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "mobula/not_on_ray.h"
#include "mobula/put.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/object_ref.h"
#include "ray/api/objects.h"
#include "ray/api/task_caller.h"

namespace mobula {

// Waits for all, and copies their values in their order; the first error in that order throws. One time limit for all
// together; -1 = for ever.
template <typename T>
std::vector<T> get_all(const std::vector<ray::ObjectRef<T>> &objects, std::int64_t timeout_ms = -1) {
  const std::vector<const Reference *> references = ray::internal::list_references(objects);
  std::vector<Bytes> bytes(objects.size());
  ray::internal::throw_unless_ok(runtime::get_all(references.data(), references.size(), timeout_ms, bytes.data()));
  std::vector<T> values;
  values.reserve(bytes.size());
  for (const Bytes &one : bytes) values.push_back(ray::internal::decode<T>(one));
  return values;
}

namespace batches {

template <typename T>
inline constexpr bool kIsTuple = false;
template <typename... Items>
inline constexpr bool kIsTuple<std::tuple<Items...>> = true;

template <typename Range>
using ValueOf = typename std::iterator_traits<decltype(std::begin(std::declval<const Range &>()))>::value_type;

// True when the one range given holds whole argument lists.
template <typename F, typename... Ranges>
constexpr bool are_argument_lists() {
  using Arguments = typename ray::internal::FunctionTraits<F>::Arguments;
  if constexpr (sizeof...(Ranges) == 1) {
    using Value = ValueOf<std::tuple_element_t<0, std::tuple<Ranges...>>>;
    return kIsTuple<Value> && !std::is_same_v<std::tuple<Value>, Arguments>;
  }
  return false;
}

template <typename Range>
std::size_t size_of(const Range &range) {
  return static_cast<std::size_t>(std::distance(std::begin(range), std::end(range)));
}

// A value of its own where iterators give something else, such as those of std::vector<bool>.
template <typename Iterator>
const typename std::iterator_traits<Iterator>::value_type &value_at(
    const Iterator &at, typename std::iterator_traits<Iterator>::value_type &&room = {}) {
  if constexpr (std::is_reference_v<decltype(*at)>) {
    return *at;
  } else {
    room = *at;
    return room;
  }
}

}  // namespace batches

// Queues one task for each element: submit_all(f, xs, ys) is f(xs[i], ys[i]) for each i; the ranges, one for each
// parameter, are of one length. submit_all(f, range_of_tuples) takes each task's arguments from a tuple. What is given
// for a parameter may be a value or a reference, as for Remote. When one cannot be queued those before it are.
template <typename F, typename... Ranges>
auto submit_all(F function, const Ranges &...ranges) {
  static_assert(sizeof...(Ranges) > 0, "mobula::submit_all: one range for each parameter, or one of tuples");
  auto caller = ray::Task(function);
  using Result = ray::internal::ResultType<typename ray::internal::FunctionTraits<F>::Result>;
  std::vector<ray::ObjectRef<Result>> results;
  const std::size_t sizes[] = {batches::size_of(ranges)...};
  for (const std::size_t size : sizes) {
    if (size != sizes[0]) throw ray::internal::RayException("submit_all: the ranges are of different lengths");
  }
  results.reserve(sizes[0]);
  const runtime::SubmitBatch batch;
  if constexpr (batches::are_argument_lists<F, Ranges...>()) {
    const auto submit = [&](const auto &...arguments) { results.push_back(caller.Remote(arguments...)); };
    const auto submit_range = [&](const auto &tuples) {
      for (const auto &tuple : tuples) std::apply(submit, tuple);
    };
    (submit_range(ranges), ...);
  } else {
    auto at = std::make_tuple(std::begin(ranges)...);
    const auto submit = [&](auto &...each) {
      results.push_back(caller.Remote(batches::value_at(each)...));
      (++each, ...);
    };
    for (std::size_t i = 0; i < sizes[0]; ++i) std::apply(submit, at);
  }
  return results;
}

// The references of a list in the order in which they become ready, for one pass:
//   for (auto &object : mobula::as_completed(std::move(objects))) use(*object.Get());
// A failed one is ready: its Get throws. RayTimeoutException when the time for all together is over.
template <typename T>
class AsCompleted {
 public:
  AsCompleted(std::vector<ray::ObjectRef<T>> objects, std::int64_t timeout_ms)
      : objects_(std::move(objects)), completion_(ray::internal::list_references(objects_), timeout_ms) {}
  AsCompleted(const AsCompleted &) = delete;
  AsCompleted &operator=(const AsCompleted &) = delete;

  struct End {};
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = ray::ObjectRef<T>;
    using difference_type = std::ptrdiff_t;
    using pointer = value_type *;
    using reference = value_type &;

    explicit Iterator(AsCompleted *all) : all_(all) {}
    // Held by the pass until the next step.
    reference operator*() const { return all_->current_; }
    pointer operator->() const { return &all_->current_; }
    Iterator &operator++() {
      all_->step();
      return *this;
    }
    void operator++(int) { all_->step(); }
    friend bool operator==(const Iterator &left, End) { return left.is_over(); }
    friend bool operator!=(const Iterator &left, End) { return !left.is_over(); }

   private:
    bool is_over() const { return all_->is_over_; }
    AsCompleted *all_;
  };

  // Waits for the first. Called once.
  Iterator begin() {
    step();
    return Iterator(this);
  }
  End end() const { return {}; }
  // Where the current one was in the list.
  std::size_t index() const { return index_; }

 private:
  void step() {
    current_ = ray::ObjectRef<T>();
    is_over_ = completion_.left() == 0;
    if (is_over_) return;
    ray::internal::throw_unless_ok(completion_.next(&index_));
    current_ = std::move(objects_[index_]);
  }

  std::vector<ray::ObjectRef<T>> objects_;
  runtime::Completion completion_;
  ray::ObjectRef<T> current_;
  std::size_t index_ = 0;
  bool is_over_ = false;
};

// Waits at most timeout_ms for all together, from here on; -1 = for ever.
template <typename T>
AsCompleted<T> as_completed(std::vector<ray::ObjectRef<T>> objects, std::int64_t timeout_ms = -1) {
  return AsCompleted<T>(std::move(objects), timeout_ms);
}

}  // namespace mobula
