// ray/api/serializer.h: between the values of a program and the bytes of an object.
//   Layout     std::string: its characters, kString. Vectors of numbers: their elements, kArray. Structs that are their
//              bytes, and vectors of them: kRaw (ray/api/stored_form.h says which). All else: msgpack.
//   Threads    reentrant
//   Ownership  Encoded points into the value or the buffer: valid while both live unchanged
//   Errors     RayException when bytes and declared type do not go together
//   Cost       raw values: encode copies nothing, decode copies once
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "mobula/runtime.h"
#include "ray/api/elements.h"
#include "ray/api/exceptions.h"
#include "ray/api/format_text.h"
#include "ray/api/msgpack_value.h"
#include "ray/api/pack_buffer.h"
#include "ray/api/packed_values.h"
#include "ray/api/stored_form.h"

namespace ray {
namespace internal {

struct Encoded {
  const void *data = nullptr;  // null with a size: only measured, see PackBuffer; pack_into() writes it
  std::uint64_t size = 0;
  mobula::Format format = 0;
};

// The bytes of a value that has a raw form.
template <typename T>
Encoded encode_raw(const T &value) {
  using Form = StoredForm<T>;
  if constexpr (Form::kIsArray) {
    return {value.data(), value.size() * sizeof(typename Form::Item), Form::kFormat};
  } else {
    return {&value, sizeof(T), Form::kFormat};
  }
}

// The bytes of `value`; packs into `buffer` what has no raw form. REQUIRES: `buffer` is empty.
template <typename T>
Encoded encode(const T &value, PackBuffer &buffer) {
  if constexpr (StoredForm<T>::kIsChosen) {
    return encode_raw(value);
  } else {
    pack_value(value, buffer);
    return {buffer.is_whole() ? buffer.data() : nullptr, buffer.size(), mobula::format_of(mobula::Encoding::kMsgpack)};
  }
}

// Packs a value that was measured before. It must not have changed since.
template <typename T>
void pack_into(const T &value, void *memory, std::uint64_t bytes) {
  PackBuffer buffer(memory, bytes);
  if constexpr (kMayContainReferences<T>) {
    mobula::runtime::Collector known;  // the measuring has found them
    pack_value(value, buffer);
  } else {
    pack_value(value, buffer);
  }
  if (buffer.size() != bytes) throw RayException("The value changed while it was packed");
}

// The elements as a fresh vector, without zeroing it first where the bytes lie aligned.
template <typename Item>
std::vector<Item> copy_elements(const mobula::Bytes &bytes) {
  if (bytes.size % sizeof(Item) != 0) throw RayException("Malformed array: its size is no multiple of its elements'");
  const std::size_t count = bytes.size / sizeof(Item);
  if (count == 0) return {};
  if (reinterpret_cast<std::uintptr_t>(bytes.data) % alignof(Item) == 0) {
    const Item *first = reinterpret_cast<const Item *>(bytes.data);
    std::vector<Item> items;
    items.reserve(count);
    if (bytes.size > mobula::runtime::kFreshMemoryBytes) mobula::runtime::expect_to_fill(items.data(), bytes.size);
    items.assign(first, first + count);
    return items;
  }
  if constexpr (std::is_default_constructible_v<Item>) {
    std::vector<Item> items(count);
    std::memcpy(static_cast<void *>(items.data()), bytes.data, bytes.size);
    return items;
  } else {
    throw RayException("Type mismatch: the elements lie unaligned");
  }
}

// A struct from its bytes, wherever they lie.
template <typename T>
T copy_struct(const std::byte *data) {
  if (reinterpret_cast<std::uintptr_t>(data) % alignof(T) == 0) return *reinterpret_cast<const T *>(data);
  alignas(T) std::byte aligned[sizeof(T)];
  std::memcpy(aligned, data, sizeof(T));
  return *std::launder(reinterpret_cast<const T *>(aligned));
}

// Bytes of structs: what they mean only the same struct knows.
template <typename T>
T decode_struct(const mobula::Bytes &bytes) {
  if constexpr (kIsStoredVector<T>) {
    if (bytes.format == StoredForm<T>::kFormat) return copy_elements<typename StoredForm<T>::Item>(bytes);
  } else if constexpr (kIsPlainStruct<T>) {
    if (bytes.format == StoredForm<T>::kFormat && bytes.size == sizeof(T)) return copy_struct<T>(bytes.data);
  }
  throw RayException("Type mismatch: the object is " + format_text(bytes.format) + ", " + std::to_string(bytes.size) +
                     " bytes, and not of the declared type");
}

// Raw characters or bytes, read as the msgpack str or bin that they stand for.
template <typename T>
T convert_characters(const mobula::Bytes &bytes, msgpack::type::object_type type) {
  const char *data = reinterpret_cast<const char *>(bytes.data);
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
    return bytes.size == 0 ? T() : T(data, bytes.size);
  } else {
    if (bytes.size > UINT32_MAX) throw RayException("Value too large for msgpack");
    msgpack::object object;
    object.type = type;
    if (type == msgpack::type::STR) {
      object.via.str = {static_cast<std::uint32_t>(bytes.size), data};
    } else {
      object.via.bin = {static_cast<std::uint32_t>(bytes.size), data};
    }
    return convert_object<T>(object);
  }
}

// Elements of another type than declared: packs them as what they are, unpacks them as what was declared.
template <typename T, typename Item>
T convert_elements(const mobula::Bytes &bytes) {
  PackBuffer buffer;
  pack_value(copy_elements<Item>(bytes), buffer);
  return unpack_value<T>(reinterpret_cast<const std::byte *>(buffer.data()), buffer.size());
}

template <typename T>
T decode_array(const mobula::Bytes &bytes) {
  if constexpr (kIsStoredVector<T>) {
    if (bytes.format == StoredForm<T>::kFormat) return copy_elements<typename StoredForm<T>::Item>(bytes);
  }
  using mobula::Element;
  switch (static_cast<Element>((bytes.format >> 8) & 0xff)) {
    case Element::kI8:
      return convert_elements<T, std::int8_t>(bytes);
    case Element::kU8:
      return convert_characters<T>(bytes, msgpack::type::BIN);
    case Element::kI16:
      return convert_elements<T, std::int16_t>(bytes);
    case Element::kU16:
      return convert_elements<T, std::uint16_t>(bytes);
    case Element::kI32:
      return convert_elements<T, std::int32_t>(bytes);
    case Element::kU32:
      return convert_elements<T, std::uint32_t>(bytes);
    case Element::kI64:
      return convert_elements<T, std::int64_t>(bytes);
    case Element::kU64:
      return convert_elements<T, std::uint64_t>(bytes);
    case Element::kF32:
      return convert_elements<T, float>(bytes);
    case Element::kF64:
      return convert_elements<T, double>(bytes);
  }
  throw RayException("Unknown element type of an array");
}

// Of types that msgpack knows.
template <typename T>
T decode_any(const mobula::Bytes &bytes) {
  switch (static_cast<mobula::Encoding>(bytes.format & 0xff)) {
    case mobula::Encoding::kMsgpack:
      return unpack_value<T>(bytes.data, bytes.size);
    case mobula::Encoding::kString:
      return convert_characters<T>(bytes, msgpack::type::STR);
    case mobula::Encoding::kArray:
      return decode_array<T>(bytes);
    case mobula::Encoding::kRaw:
      return decode_struct<T>(bytes);
  }
  throw RayException("Unknown encoding of an object");
}

// The value of type T that `bytes` hold: the one put, or what msgpack makes of it when T differs.
template <typename T>
T decode(const mobula::Bytes &bytes) {
  if constexpr (kIsOnlyRaw<T>) {
    return decode_struct<T>(bytes);
  } else {
    return decode_any<T>(bytes);
  }
}

}  // namespace internal
}  // namespace ray
