// ray/api/packed_vectors.h: long vectors of numbers inside msgpack values keep their elements as they are in memory.
//   Layout     in a PackBuffer, from kPackedVectorBytesMin on: msgpack ext of type kPackedVectorType + Element; one
//              byte p, p zeros, the elements, 7 - p zeros. p makes the elements lie at a multiple of 8 of the buffer.
//              Shorter vectors, and all in any other stream: msgpack arrays, as ever
//   Threads    reentrant
//   Errors     msgpack::type_error
//   Cost       one copy each way; nothing is zeroed first
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <type_traits>
#include <vector>

#include "ray/api/elements.h"
#include "ray/api/msgpack.h"
#include "ray/api/pack_buffer.h"

namespace ray {
namespace internal {

inline constexpr std::size_t kPackedVectorBytesMin = 1024;
inline constexpr std::size_t kPackedVectorExtraBytes = 8;
inline constexpr std::int8_t kPackedVectorType = 0x60;
inline constexpr int kExpandDepthMax = 64;  // of nested arrays and maps; what lies deeper stays as it is

template <typename Item>
constexpr std::int8_t packed_vector_type() {
  return static_cast<std::int8_t>(kPackedVectorType + static_cast<int>(element_of<Item>()));
}

// The only packer that packs into a PackBuffer, so that the adaptors below know where they are in it.
class BufferPacker : public msgpack::packer<PackBuffer> {
 public:
  explicit BufferPacker(PackBuffer &target) : msgpack::packer<PackBuffer>(target), buffer(target) {}
  PackBuffer &buffer;
};

template <typename Item>
void pack_items(BufferPacker &packer, const std::vector<Item> &items) {
  constexpr char kZeros[kPackedVectorExtraBytes] = {};
  const std::size_t bytes = items.size() * sizeof(Item);
  packer.pack_ext(bytes + kPackedVectorExtraBytes, packed_vector_type<Item>());
  const std::size_t before = (0 - (packer.buffer.size() + 1)) % kPackedVectorExtraBytes;
  const char count = static_cast<char>(before);
  packer.buffer.write(&count, 1);
  packer.buffer.write(kZeros, before);
  packer.buffer.write(reinterpret_cast<const char *>(items.data()), bytes);
  packer.buffer.write(kZeros, kPackedVectorExtraBytes - 1 - before);
}

template <typename Item>
struct VectorPacker {
  template <typename Stream>
  msgpack::packer<Stream> &operator()(msgpack::packer<Stream> &packer, const std::vector<Item> &items) const {
    if constexpr (std::is_same_v<Stream, PackBuffer>) {
      const std::size_t bytes = items.size() * sizeof(Item);
      if (bytes >= kPackedVectorBytesMin && bytes <= UINT32_MAX - kPackedVectorExtraBytes) {
        pack_items(static_cast<BufferPacker &>(packer), items);
        return packer;
      }
    }
    return msgpack::v1::adaptor::pack<std::vector<Item>>()(packer, items);
  }
};

// Reads elements that may lie unaligned.
template <typename Item>
class UnalignedIterator {
 public:
  using iterator_category = std::random_access_iterator_tag;
  using value_type = Item;
  using difference_type = std::ptrdiff_t;
  using pointer = const Item *;
  using reference = Item;

  explicit UnalignedIterator(const char *at) : at_(at) {}
  Item operator*() const {
    Item item;
    std::memcpy(&item, at_, sizeof(item));
    return item;
  }
  Item operator[](difference_type step) const { return *(*this + step); }
  UnalignedIterator &operator+=(difference_type step) {
    at_ += step * static_cast<difference_type>(sizeof(Item));
    return *this;
  }
  UnalignedIterator &operator-=(difference_type step) { return *this += -step; }
  UnalignedIterator &operator++() { return *this += 1; }
  UnalignedIterator &operator--() { return *this += -1; }
  UnalignedIterator operator++(int) {
    const UnalignedIterator before = *this;
    ++*this;
    return before;
  }
  UnalignedIterator operator--(int) {
    const UnalignedIterator before = *this;
    --*this;
    return before;
  }
  friend UnalignedIterator operator+(UnalignedIterator left, difference_type step) { return left += step; }
  friend UnalignedIterator operator-(UnalignedIterator left, difference_type step) { return left -= step; }
  friend difference_type operator-(const UnalignedIterator &left, const UnalignedIterator &right) {
    return (left.at_ - right.at_) / static_cast<difference_type>(sizeof(Item));
  }
  friend bool operator==(const UnalignedIterator &left, const UnalignedIterator &right) {
    return left.at_ == right.at_;
  }
  friend bool operator!=(const UnalignedIterator &left, const UnalignedIterator &right) {
    return left.at_ != right.at_;
  }
  friend bool operator<(const UnalignedIterator &left, const UnalignedIterator &right) { return left.at_ < right.at_; }

 private:
  const char *at_;
};

// Where the elements of a packed vector lie.
struct PackedItems {
  const char *data = nullptr;
  std::size_t bytes = 0;
};

// Throws msgpack::type_error when the ext is none, or damaged. REQUIRES: object.type is EXT.
inline PackedItems packed_items(const msgpack::object &object, std::size_t item_bytes) {
  const std::uint32_t size = object.via.ext.size;
  const char *const data = object.via.ext.data();
  if (size < kPackedVectorExtraBytes || static_cast<unsigned char>(data[0]) >= kPackedVectorExtraBytes ||
      (size - kPackedVectorExtraBytes) % item_bytes != 0) {
    throw msgpack::type_error();
  }
  return {data + 1 + data[0], size - kPackedVectorExtraBytes};
}

template <typename Item>
struct VectorConverter {
  const msgpack::object &operator()(const msgpack::object &object, std::vector<Item> &items) const {
    if (object.type != msgpack::type::EXT || object.via.ext.type() != packed_vector_type<Item>()) {
      return msgpack::v1::adaptor::convert<std::vector<Item>>()(object, items);
    }
    const PackedItems packed = packed_items(object, sizeof(Item));
    if (reinterpret_cast<std::uintptr_t>(packed.data) % alignof(Item) == 0) {
      const Item *const first = reinterpret_cast<const Item *>(packed.data);
      items.assign(first, first + packed.bytes / sizeof(Item));
    } else {
      items.assign(UnalignedIterator<Item>(packed.data), UnalignedIterator<Item>(packed.data + packed.bytes));
    }
    return object;
  }
};

// Bytes are `bin` in msgpack, which is what they are in memory; only the zeroing is to be saved.
template <typename Byte>
struct ByteVectorConverter {
  const msgpack::object &operator()(const msgpack::object &object, std::vector<Byte> &items) const {
    if (object.type == msgpack::type::BIN) {
      const Byte *const first = reinterpret_cast<const Byte *>(object.via.bin.ptr);
      items.assign(first, first + object.via.bin.size);
      return object;
    }
    return msgpack::v1::adaptor::convert<std::vector<Byte>>()(object, items);
  }
};

template <typename Item>
void expand_items(msgpack::object &object, msgpack::zone &zone) {
  const PackedItems packed = packed_items(object, sizeof(Item));
  const std::size_t count = packed.bytes / sizeof(Item);
  auto *const objects =
      static_cast<msgpack::object *>(zone.allocate_align(count * sizeof(msgpack::object), alignof(msgpack::object)));
  UnalignedIterator<Item> item(packed.data);
  for (std::size_t i = 0; i < count; ++i, ++item) new (&objects[i]) msgpack::object(*item);
  object.type = msgpack::type::ARRAY;
  object.via.array.size = static_cast<std::uint32_t>(count);
  object.via.array.ptr = objects;
}

inline void expand_vector(msgpack::object &object, msgpack::zone &zone) {
  using mobula::Element;
  switch (static_cast<Element>(object.via.ext.type() - kPackedVectorType)) {
    case Element::kI8:
      return expand_items<std::int8_t>(object, zone);
    case Element::kI16:
      return expand_items<std::int16_t>(object, zone);
    case Element::kU16:
      return expand_items<std::uint16_t>(object, zone);
    case Element::kI32:
      return expand_items<std::int32_t>(object, zone);
    case Element::kU32:
      return expand_items<std::uint32_t>(object, zone);
    case Element::kI64:
      return expand_items<std::int64_t>(object, zone);
    case Element::kU64:
      return expand_items<std::uint64_t>(object, zone);
    case Element::kF32:
      return expand_items<float>(object, zone);
    case Element::kF64:
      return expand_items<double>(object, zone);
    default:
      return;  // an ext of the user's
  }
}

// Turns the packed vectors in a value into the msgpack arrays that they stand for, so that they convert to whatever
// arrays convert to. Throws msgpack::type_error when one is damaged.
inline void expand_vectors(msgpack::object &object, msgpack::zone &zone, int depth = 0) {
  if (depth > kExpandDepthMax) return;
  if (object.type == msgpack::type::EXT) return expand_vector(object, zone);
  if (object.type == msgpack::type::ARRAY) {
    for (std::uint32_t i = 0; i < object.via.array.size; ++i) {
      expand_vectors(object.via.array.ptr[i], zone, depth + 1);
    }
  }
  if (object.type == msgpack::type::MAP) {
    for (std::uint32_t i = 0; i < object.via.map.size; ++i) {
      expand_vectors(object.via.map.ptr[i].key, zone, depth + 1);
      expand_vectors(object.via.map.ptr[i].val, zone, depth + 1);
    }
  }
}

}  // namespace internal
}  // namespace ray

// Whole specialisations: msgpack's own are for vectors of anything.
#define RAY_INTERNAL_PACKED_VECTOR(item)                                 \
  template <>                                                            \
  struct pack<std::vector<item>> : ray::internal::VectorPacker<item> {}; \
  template <>                                                            \
  struct convert<std::vector<item>> : ray::internal::VectorConverter<item> {};
#define RAY_INTERNAL_BYTE_VECTOR(byte) \
  template <>                          \
  struct convert<std::vector<byte>> : ray::internal::ByteVectorConverter<byte> {};

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  RAY_INTERNAL_PACKED_VECTOR(signed char)
  RAY_INTERNAL_PACKED_VECTOR(short)
  RAY_INTERNAL_PACKED_VECTOR(unsigned short)
  RAY_INTERNAL_PACKED_VECTOR(int)
  RAY_INTERNAL_PACKED_VECTOR(unsigned int)
  RAY_INTERNAL_PACKED_VECTOR(long)
  RAY_INTERNAL_PACKED_VECTOR(unsigned long)
  RAY_INTERNAL_PACKED_VECTOR(long long)
  RAY_INTERNAL_PACKED_VECTOR(unsigned long long)
  RAY_INTERNAL_PACKED_VECTOR(float)
  RAY_INTERNAL_PACKED_VECTOR(double)
  RAY_INTERNAL_BYTE_VECTOR(char)
  RAY_INTERNAL_BYTE_VECTOR(unsigned char)
  RAY_INTERNAL_BYTE_VECTOR(std::byte)

  }  // namespace adaptor
}
}  // namespace msgpack

#undef RAY_INTERNAL_PACKED_VECTOR
#undef RAY_INTERNAL_BYTE_VECTOR
