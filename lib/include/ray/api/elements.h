// ray/api/elements.h: whose vectors are stored raw, and under which element tag.
//   kU8 stands for bytes: what msgpack calls `bin`. Hence vector<char> and vector<std::byte> share it, as they do in
//   msgpack, while vector<signed char> is kI8, an array of numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "mobula/runtime.h"

namespace ray {
namespace internal {

// True for the numbers whose vectors are stored raw. Not bool (its vector has no array inside) and not the wide
// character types (msgpack has no form for them).
template <typename T>
inline constexpr bool kIsNumber = std::is_same_v<T, float> || std::is_same_v<T, double> ||
                                  (std::is_integral_v<T> && sizeof(T) <= 8 && !std::is_same_v<T, bool> &&
                                   !std::is_same_v<T, wchar_t> && !std::is_same_v<T, char16_t> &&
                                   !std::is_same_v<T, char32_t>
#if defined(__cpp_char8_t)
                                   && !std::is_same_v<T, char8_t>
#endif
                                  );

template <typename T>
inline constexpr bool kIsByte =
    std::is_same_v<T, char> || std::is_same_v<T, unsigned char> || std::is_same_v<T, std::byte>;

// The element tag of T. REQUIRES: kIsNumber<T> or kIsByte<T>.
template <typename T>
constexpr mobula::Element element_of() {
  using mobula::Element;
  if constexpr (kIsByte<T>) {
    return Element::kU8;
  } else if constexpr (std::is_floating_point_v<T>) {
    return sizeof(T) == 4 ? Element::kF32 : Element::kF64;
  } else {
    constexpr int kSizeStep = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 2 : sizeof(T) == 4 ? 4 : 6;
    return static_cast<Element>(static_cast<int>(Element::kI8) + kSizeStep + (std::is_signed_v<T> ? 0 : 1));
  }
}

}  // namespace internal
}  // namespace ray
