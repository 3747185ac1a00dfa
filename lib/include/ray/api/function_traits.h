// ray/api/function_traits.h: what a function pointer takes and gives, and the choice among overloads.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>

namespace mobula {
template <typename T>
class View;  // mobula/view.h
template <typename T>
class DraftOf;  // mobula/draft.h
}  // namespace mobula

namespace ray {
namespace internal {

// Parameters and results that stand for an object of another type.
template <typename T>
struct Wrapped {
  static constexpr bool kIsView = false;
  static constexpr bool kIsDraft = false;
  using Type = T;
};
template <typename T>
struct Wrapped<mobula::View<T>> {
  static constexpr bool kIsView = true;
  static constexpr bool kIsDraft = false;
  using Type = T;
};
template <typename T>
struct Wrapped<mobula::DraftOf<T>> {
  static constexpr bool kIsView = false;
  static constexpr bool kIsDraft = true;
  using Type = T;
};
template <typename T>
inline constexpr bool kIsView = Wrapped<T>::kIsView;
template <typename T>
inline constexpr bool kIsDraft = Wrapped<T>::kIsDraft;
template <typename View>
using ViewedType = typename Wrapped<View>::Type;
// What an ObjectRef of a function's result refers to.
template <typename Result>
using ResultType = typename Wrapped<Result>::Type;

template <typename T>
using remove_cvref_t = std::remove_cv_t<std::remove_reference_t<T>>;

// Result and decayed parameter types of a pointer to a free or static function.
template <typename F>
struct FunctionTraits {
  static constexpr bool kIsFunction = false;
};
template <typename R, typename... Parameters>
struct FunctionTraits<R (*)(Parameters...)> {
  static constexpr bool kIsFunction = true;
  static constexpr std::size_t kParameterCount = sizeof...(Parameters);
  using Result = std::decay_t<R>;
  using Arguments = std::tuple<std::decay_t<Parameters>...>;
};
template <typename R, typename... Parameters>
struct FunctionTraits<R (*)(Parameters...) noexcept> : FunctionTraits<R (*)(Parameters...)> {};

// Class, result and decayed parameter types of a pointer to a member function.
template <typename R, typename C, typename... Parameters>
struct MethodSignature {
  static constexpr bool kIsMethod = true;
  static constexpr std::size_t kParameterCount = sizeof...(Parameters);
  using Class = C;
  using RawResult = R;
  using Result = std::decay_t<R>;
  using Arguments = std::tuple<std::decay_t<Parameters>...>;
  using RawParameters = std::tuple<Parameters &&...>;
};
template <typename M>
struct MethodTraits {
  static constexpr bool kIsMethod = false;
};
#define RAY_INTERNAL_METHOD(qualifiers)                     \
  template <typename R, typename C, typename... Parameters> \
  struct MethodTraits<R (C::*)(Parameters...) qualifiers> : MethodSignature<R, C, Parameters...> {};
RAY_INTERNAL_METHOD()
RAY_INTERNAL_METHOD(const)
RAY_INTERNAL_METHOD(volatile)
RAY_INTERNAL_METHOD(&)
RAY_INTERNAL_METHOD(const &)
RAY_INTERNAL_METHOD(&&)
RAY_INTERNAL_METHOD(noexcept)
RAY_INTERNAL_METHOD(const noexcept)
RAY_INTERNAL_METHOD(&noexcept)
RAY_INTERNAL_METHOD(const &noexcept)
RAY_INTERNAL_METHOD(&&noexcept)
#undef RAY_INTERNAL_METHOD

// A function that returns a pointer makes an actor; every other free or static function is a task.
template <typename F, bool = FunctionTraits<F>::kIsFunction>
struct IsTask : std::false_type {};
template <typename F>
struct IsTask<F, true> : std::bool_constant<!std::is_pointer_v<typename FunctionTraits<F>::Result>> {};
template <typename F, bool = FunctionTraits<F>::kIsFunction>
struct IsFactory : std::false_type {};
template <typename F>
struct IsFactory<F, true> : std::is_pointer<typename FunctionTraits<F>::Result> {};

// Picks the overload with exactly these parameter types. A class, so that deduction cannot add parameters to the list.
template <typename... Parameters>
struct Overload {
  template <typename R>
  static constexpr auto pick(R (*function)(Parameters...)) {
    return function;
  }
  template <typename R, typename C>
  static constexpr auto pick(R (C::*method)(Parameters...)) {
    return method;
  }
  template <typename R, typename C>
  static constexpr auto pick(R (C::*method)(Parameters...) const) {
    return method;
  }
  template <typename R, typename C>
  static constexpr auto pick(R (C::*method)(Parameters...) &) {
    return method;
  }
  template <typename R, typename C>
  static constexpr auto pick(R (C::*method)(Parameters...) const &) {
    return method;
  }
  template <typename R, typename C>
  static constexpr auto pick(R (C::*method)(Parameters...) &&) {
    return method;
  }
  template <typename R, typename C>
  static constexpr auto pick(R (C::*method)(Parameters...) volatile) {
    return method;
  }
};

// Overload of the types before End. The macro adds End, so that a list of no types is not an empty macro argument.
struct End {};
template <typename Before, typename... Rest>
struct OverloadBefore;
template <typename... Before>
struct OverloadBefore<std::tuple<Before...>, End> : Overload<Before...> {};
template <typename... Before, typename Next, typename... Rest>
struct OverloadBefore<std::tuple<Before...>, Next, Rest...> : OverloadBefore<std::tuple<Before..., Next>, Rest...> {};

}  // namespace internal
}  // namespace ray

// One overload of a function, named by its parameter types: RAY_FUNC(Plus, int, int). No types = the one without any.
#define RAY_FUNC(...) RAY_INTERNAL_FUNC(__VA_ARGS__, ::ray::internal::End)
#define RAY_INTERNAL_FUNC(function, ...) ::ray::internal::OverloadBefore<std::tuple<>, __VA_ARGS__>::pick(function)
