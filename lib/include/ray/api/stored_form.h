// ray/api/stored_form.h: which objects are stored as they lie in memory, and as elements of what type.
//   Layout     std::string: its characters. Vectors of numbers: their elements. Trivially copyable structs that msgpack
//              cannot pack, and vectors of them: their bytes. All else is msgpack
//   Threads    constant expressions only
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "mobula/runtime.h"
#include "ray/api/elements.h"
#include "ray/api/msgpack.h"
#include "ray/api/pack_buffer.h"

namespace ray {
namespace internal {

// Structs (and unions) that are their bytes. Not the types of the standard library and of msgpack by themselves: what
// those mean is up to msgpack.
template <typename T>
inline constexpr bool kIsPlainStruct = std::is_trivially_copyable_v<T> &&
                                       (std::is_class_v<T> || std::is_union_v<T>)&&sizeof(T) < (1u << 24);

template <typename T, typename = void>
inline constexpr bool kPacksItself = false;
template <typename T>
inline constexpr bool kPacksItself<
    T, std::void_t<decltype(std::declval<const T &>().msgpack_pack(std::declval<msgpack::packer<PackBuffer> &>()))>> =
    true;

// True for std::, msgpack:: and boost:: types, by the name that the compiler gives them.
template <typename T>
constexpr bool is_of_a_library() {
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t start = text.find("T = ") + 4;
  for (const std::string_view name : {"std::", "msgpack::", "boost::"}) {
    if (text.substr(start, name.size()) == name) return true;
  }
  return std::is_same_v<T, std::timespec>;
}

// An adaptor of the user's replaces msgpack's own template, which derives from that of msgpack's first interface.
template <typename T>
inline constexpr bool kHasAdaptor = !std::is_base_of_v<msgpack::v1::adaptor::pack<T, void>, msgpack::adaptor::pack<T>>;

template <typename T, bool = kIsPlainStruct<T>>
inline constexpr bool kIsRawStruct = false;
#ifndef MOBULA_PORTABLE  // Ray has msgpack only
template <typename T>
inline constexpr bool kIsRawStruct<T, true> = !is_of_a_library<T>() && !kPacksItself<T> && !kHasAdaptor<T>;
#endif

// How an object of type T lies in the store when it is not msgpack. Item: its elements. kFormat: what it is called.
// kIsChosen: ray::Put stores it so; else it is stored so only when asked for (mobula::put, mobula::create).
template <typename T, typename = void>
struct StoredForm {
  static constexpr bool kIsRaw = false;
  static constexpr bool kIsChosen = false;
};
template <>
struct StoredForm<std::string> {
  using Item = char;
  static constexpr bool kIsRaw = true;
  static constexpr bool kIsChosen = true;
  static constexpr bool kIsArray = true;
  static constexpr mobula::Format kFormat = mobula::format_of(mobula::Encoding::kString);
};
template <typename T>
struct StoredForm<std::vector<T>, std::enable_if_t<kIsNumber<T> || kIsByte<T>>> {
  using Item = T;
  static constexpr bool kIsRaw = true;
  static constexpr bool kIsChosen = true;
  static constexpr bool kIsArray = true;
  static constexpr mobula::Format kFormat = mobula::format_of(element_of<T>());
};
template <typename T>
struct StoredForm<std::vector<T>, std::enable_if_t<kIsPlainStruct<T>>> {
  using Item = T;
  static constexpr bool kIsRaw = true;
  static constexpr bool kIsChosen = kIsRawStruct<T>;
  static constexpr bool kIsArray = true;
  static constexpr mobula::Format kFormat = mobula::format_of_raw(sizeof(T));
};
template <typename T>
struct StoredForm<T, std::enable_if_t<kIsPlainStruct<T>>> {
  using Item = T;
  static constexpr bool kIsRaw = true;
  static constexpr bool kIsChosen = kIsRawStruct<T>;
  static constexpr bool kIsArray = false;
  static constexpr mobula::Format kFormat = mobula::format_of_raw(sizeof(T));
};

template <typename T>
inline constexpr bool kIsStoredVector = false;
template <typename T>
inline constexpr bool kIsStoredVector<std::vector<T>> = StoredForm<std::vector<T>>::kIsRaw;

// True for raw structs and vectors of them: they are stored in one way only, and msgpack cannot read them.
template <typename T, bool = StoredForm<T>::kIsChosen>
inline constexpr bool kIsOnlyRaw = false;
template <typename T>
inline constexpr bool kIsOnlyRaw<T, true> = static_cast<mobula::Encoding>(StoredForm<T>::kFormat &
                                                                          0xff) == mobula::Encoding::kRaw;

// Characters and bytes may be read as each other, as in msgpack.
constexpr bool are_characters(mobula::Format format) {
  return format == mobula::format_of(mobula::Encoding::kString) || format == mobula::format_of(mobula::Element::kU8);
}

// False where a value of type T can hold no ObjectRef, so that packing it needs no Collector.
template <typename T>
constexpr bool may_contain_references() {
  return !(std::is_arithmetic_v<T> || std::is_enum_v<T> || StoredForm<T>::kIsChosen ||
           std::is_same_v<std::decay_t<T>, char *> || std::is_same_v<std::decay_t<T>, const char *>);
}
template <typename T>
inline constexpr bool kMayContainReferences = may_contain_references<T>();

}  // namespace internal
}  // namespace ray
