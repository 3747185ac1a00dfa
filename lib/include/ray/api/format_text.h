// ray/api/format_text.h: formats of objects as words, for messages.
//   Threads    reentrant
#pragma once

#include <cstdint>
#include <string>

#include "mobula/runtime.h"

namespace ray {
namespace internal {

// Such as "an array of f64".
inline std::string format_text(mobula::Format format) {
  constexpr const char *kElements[] = {"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64"};
  const std::uint32_t detail = format >> 8;
  switch (static_cast<mobula::Encoding>(format & 0xff)) {
    case mobula::Encoding::kMsgpack:
      return "a msgpack value";
    case mobula::Encoding::kString:
      return "a string";
    case mobula::Encoding::kArray:
      return detail >= 1 && detail <= 10 ? std::string("an array of ") + kElements[detail - 1] : "an unknown array";
    case mobula::Encoding::kRaw:
      return "structs of " + std::to_string(detail) + " bytes";
  }
  return "an unknown encoding";
}

}  // namespace internal
}  // namespace ray
