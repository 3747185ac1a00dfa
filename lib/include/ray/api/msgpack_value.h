// ray/api/msgpack_value.h: one value as msgpack bytes, and back.
//   Threads    reentrant
//   Errors     RayException with a readable message; bytes from another process never do more harm than that
//   Cost       a number is read without heap or zone
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "ray/api/exceptions.h"
#include "ray/api/msgpack.h"
#include "ray/api/pack_buffer.h"
#include "ray/api/packed_vectors.h"

namespace ray {
namespace internal {

// Appends `value` to `buffer`.
template <typename T>
void pack_value(const T &value, PackBuffer &buffer) {
  try {
    BufferPacker(buffer).pack(value);
  } catch (const msgpack::container_size_overflow &overflow) {
    throw RayException(std::string("Value too large for msgpack: ") + overflow.what());
  }
}

// Converts as msgpack does; a type that does not fit is a RayException.
template <typename T>
T convert_object(const msgpack::object &object) {
  try {
    return object.as<T>();
  } catch (const msgpack::type_error &) {
    throw RayException("Type mismatch: the object's msgpack value is not of the declared type");
  }
}

template <typename Raw>
Raw load_big_endian(const std::byte *bytes) {
  Raw value = 0;
  for (std::size_t i = 0; i < sizeof(Raw); ++i) value = static_cast<Raw>((value << 8) | std::to_integer<Raw>(bytes[i]));
  return value;
}

// The setters return true, so that the parser below reads as a table.
inline bool set_unsigned(std::uint64_t value, msgpack::object &object) {
  object.type = msgpack::type::POSITIVE_INTEGER;
  object.via.u64 = value;
  return true;
}

inline bool set_signed(std::int64_t value, msgpack::object &object) {
  if (value >= 0) return set_unsigned(static_cast<std::uint64_t>(value), object);
  object.type = msgpack::type::NEGATIVE_INTEGER;
  object.via.i64 = value;
  return true;
}

inline bool set_bool(bool value, msgpack::object &object) {
  object.type = msgpack::type::BOOLEAN;
  object.via.boolean = value;
  return true;
}

template <typename Float, typename Raw>
bool set_float(Raw raw, msgpack::object &object) {
  static_assert(sizeof(Float) == sizeof(Raw), "one bit pattern");
  Float value;
  std::memcpy(&value, &raw, sizeof(value));
  object.type = sizeof(Float) == 4 ? msgpack::type::FLOAT32 : msgpack::type::FLOAT64;
  object.via.f64 = value;
  return true;
}

// Reads a lone nil, bool or number. False, with nothing changed, for everything else.
inline bool parse_scalar(const std::byte *data, std::uint64_t size, msgpack::object &object) {
  if (size == 0) return false;
  const unsigned head = std::to_integer<unsigned>(data[0]);
  const std::byte *body = data + 1;
  if (size == 1) {
    if (head <= 0x7f) return set_unsigned(head, object);
    if (head >= 0xe0) return set_signed(static_cast<std::int64_t>(head) - 0x100, object);
    if (head == 0xc2 || head == 0xc3) return set_bool(head == 0xc3, object);
    if (head != 0xc0) return false;
    object.type = msgpack::type::NIL;
    return true;
  }
  if (size > 9) return false;
  switch (head << 8 | static_cast<unsigned>(size - 1)) {
    case 0xcc01:
      return set_unsigned(load_big_endian<std::uint8_t>(body), object);
    case 0xcd02:
      return set_unsigned(load_big_endian<std::uint16_t>(body), object);
    case 0xce04:
      return set_unsigned(load_big_endian<std::uint32_t>(body), object);
    case 0xcf08:
      return set_unsigned(load_big_endian<std::uint64_t>(body), object);
    case 0xd001:
      return set_signed(static_cast<std::int8_t>(load_big_endian<std::uint8_t>(body)), object);
    case 0xd102:
      return set_signed(static_cast<std::int16_t>(load_big_endian<std::uint16_t>(body)), object);
    case 0xd204:
      return set_signed(static_cast<std::int32_t>(load_big_endian<std::uint32_t>(body)), object);
    case 0xd308:
      return set_signed(static_cast<std::int64_t>(load_big_endian<std::uint64_t>(body)), object);
    case 0xca04:
      return set_float<float>(load_big_endian<std::uint32_t>(body), object);
    case 0xcb08:
      return set_float<double>(load_big_endian<std::uint64_t>(body), object);
    default:
      return false;
  }
}

// Strings and blobs are read where they lie instead of being copied into the zone first.
inline bool reference_in_place(msgpack::type::object_type, std::size_t, void *) { return true; }

// The value with its packed vectors as the arrays that they stand for.
inline msgpack::object expanded(msgpack::object_handle &handle) {
  msgpack::object whole = handle.get();
  if (handle.zone() == nullptr) handle.zone().reset(new msgpack::zone);
  try {
    expand_vectors(whole, *handle.zone());
  } catch (const msgpack::type_error &) {
    throw RayException("Malformed msgpack value: a packed vector is damaged");
  }
  return whole;
}

// Packed vectors become arrays only when the declared type asks for it.
template <typename T>
T convert_whole(msgpack::object_handle &handle) {
  try {
    return handle.get().as<T>();
  } catch (const msgpack::type_error &) {
    return convert_object<T>(expanded(handle));
  }
}

template <typename T>
T unpack_value(const std::byte *data, std::uint64_t size) {
  msgpack::object scalar;
  if (parse_scalar(data, size, scalar)) return convert_object<T>(scalar);
  msgpack::object_handle handle;
  try {
    // Each element takes at least a byte: a length beyond `size` is refused before memory is asked for it.
    const msgpack::unpack_limit limit(size, size, size, size, size);
    std::size_t offset = 0;
    handle = msgpack::unpack(reinterpret_cast<const char *>(data), size, offset, reference_in_place, nullptr, limit);
  } catch (const msgpack::unpack_error &error) {
    throw RayException(std::string("Malformed msgpack value: ") + error.what());
  }
  return convert_whole<T>(handle);
}

}  // namespace internal
}  // namespace ray
