// refs/object_id.h: the ObjectID, as bytes that users may copy: which session, which entry, which of its tenants.
//   Layout     15 bytes, little-endian: epoch 5 | entry 4 | generation 6. They fit the small-string buffer
//   Threads    plain values
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "refs/state_word.h"

namespace mobula::refs {

constexpr std::size_t kEpochBytes = 5;
constexpr std::size_t kEntryBytes = 4;
constexpr std::size_t kGenerationBytes = 6;
constexpr std::size_t kObjectIdBytes = kEpochBytes + kEntryBytes + kGenerationBytes;

inline std::string encode_id(std::uint64_t epoch, const ObjectName &name) {
  std::string id(kObjectIdBytes, '\0');
  std::memcpy(id.data(), &epoch, kEpochBytes);
  std::memcpy(id.data() + kEpochBytes, &name.entry, kEntryBytes);
  std::memcpy(id.data() + kEpochBytes + kEntryBytes, &name.generation, kGenerationBytes);
  return id;
}

// Nothing when it is no id, or of another session.
inline std::optional<ObjectName> decode_id(std::uint64_t epoch, std::string_view id) {
  if (id.size() != kObjectIdBytes) return std::nullopt;
  std::uint64_t id_epoch = 0;
  ObjectName name{0, 0};
  std::memcpy(&id_epoch, id.data(), kEpochBytes);
  std::memcpy(&name.entry, id.data() + kEpochBytes, kEntryBytes);
  std::memcpy(&name.generation, id.data() + kEpochBytes + kEntryBytes, kGenerationBytes);
  if (id_epoch != epoch) return std::nullopt;
  return name;
}

// As people see it: in hexadecimal digits.
inline std::string digits_of(std::string_view id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (const char byte : id) {
    digits += kDigits[static_cast<unsigned char>(byte) >> 4];
    digits += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return digits;
}

}  // namespace mobula::refs
