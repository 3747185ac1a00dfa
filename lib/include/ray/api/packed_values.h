// ray/api/packed_values.h: plain msgpack, by the name that Ray's serializer has. Objects are stored by
// ray/api/serializer.h, which does not need it.
//   Threads    reentrant
//   Errors     what msgpack throws
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "ray/api/msgpack.h"
#include "ray/api/msgpack_adaptor.h"

namespace ray {
namespace internal {

class Serializer {
 public:
  template <typename T>
  static msgpack::sbuffer Serialize(const T &value) {
    msgpack::sbuffer buffer;
    msgpack::pack(buffer, value);
    return buffer;
  }
  // Packs raw bytes.
  static msgpack::sbuffer Serialize(const char *data, std::size_t size) {
    msgpack::sbuffer buffer;
    msgpack::packer<msgpack::sbuffer> packer(&buffer);
    packer.pack_bin(static_cast<std::uint32_t>(size)).pack_bin_body(data, static_cast<std::uint32_t>(size));
    return buffer;
  }

  template <typename T>
  static T Deserialize(const char *data, std::size_t size) {
    return msgpack::unpack(data, size).get().as<T>();
  }
  // The value that begins at `offset`.
  template <typename T>
  static T Deserialize(const char *data, std::size_t size, std::size_t offset) {
    return Deserialize<T>(data + offset, size - offset);
  }
  // The same; moves `*offset` behind the value.
  template <typename T>
  static T Deserialize(const char *data, std::size_t size, std::size_t *offset) {
    return msgpack::unpack(data, size, *offset).get().template as<T>();
  }
  // {false, T()} for nil.
  template <typename T>
  static std::pair<bool, T> DeserializeWhenNil(const char *data, std::size_t size) {
    std::pair<bool, T> result{false, T()};
    result.first = msgpack::unpack(data, size).get().convert_if_not_nil(result.second);
    return result;
  }

  // How Ray's workers mark errors and values of other languages in the bytes themselves. Objects here do neither.
  static bool HasError(const char *data, std::size_t size) {
    return msgpack::unpack(data, size).get().is_nil() && size > 1;
  }
  static bool IsXLang(const char *data, std::size_t size) {
    constexpr std::size_t kHeaderBytes = 9;
    return size >= kHeaderBytes && msgpack::unpack(data, size).get().type == msgpack::type::POSITIVE_INTEGER;
  }
};

}  // namespace internal
}  // namespace ray
