#include "ray/api/stored_form.h"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <complex>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ray/api.h"

namespace {

using mobula::Bytes;
using mobula::Encoding;
using mobula::format_of;
using mobula::format_of_raw;
using ray::internal::decode;
using ray::internal::encode;
using ray::internal::Encoded;
using ray::internal::kIsRawStruct;
using ray::internal::PackBuffer;
using ray::internal::RayException;

struct Pixel {
  std::uint8_t red, green, blue;
  bool operator==(const Pixel &other) const { return std::memcmp(this, &other, sizeof other) == 0; }
};
struct Sample {
  double time = 0;
  float values[3] = {};
  Pixel pixel{};
};
struct alignas(64) Wide {
  double lanes[8] = {};
};
struct Packed {
  int number = 0;
  MSGPACK_DEFINE(number)
};
struct Adapted {
  int number = 0;
};
template <typename T>
struct AdaptedTemplate {
  T number{};
};
struct NoDefault {
  explicit NoDefault(int value) : number(value) {}
  int number;
};
struct WithText {
  std::string text;
};
union Either {
  int number;
  float fraction;
};
enum class Color { kRed };

template <typename T>
Bytes as_bytes(const Encoded &encoded, const T &) {
  return {static_cast<const std::byte *>(encoded.data), encoded.size, encoded.format};
}
template <typename Declared, typename T>
Declared carry(const T &value) {
  PackBuffer buffer;
  return decode<Declared>(as_bytes(encode(value, buffer), value));
}

}  // namespace

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {
  template <>
  struct pack<Adapted> {
    template <typename Stream>
    packer<Stream> &operator()(packer<Stream> &packer, const Adapted &value) const {
      return packer.pack(value.number);
    }
  };
  template <>
  struct convert<Adapted> {
    const msgpack::object &operator()(const msgpack::object &object, Adapted &value) const {
      value.number = object.as<int>();
      return object;
    }
  };
  template <typename T>
  struct pack<AdaptedTemplate<T>> {
    template <typename Stream>
    packer<Stream> &operator()(packer<Stream> &packer, const AdaptedTemplate<T> &value) const {
      return packer.pack(value.number);
    }
  };
  template <typename T>
  struct convert<AdaptedTemplate<T>> {
    const msgpack::object &operator()(const msgpack::object &object, AdaptedTemplate<T> &value) const {
      value.number = object.as<T>();
      return object;
    }
  };
  }  // namespace adaptor
}
}  // namespace msgpack

TEST_CASE("only structs that are their bytes and that msgpack cannot pack are raw") {
  CHECK(kIsRawStruct<Pixel>);
  CHECK(kIsRawStruct<Sample>);
  CHECK(kIsRawStruct<Wide>);
  CHECK(kIsRawStruct<NoDefault>);
  CHECK(kIsRawStruct<Either>);
  CHECK_FALSE(kIsRawStruct<Packed>);
  CHECK_FALSE(kIsRawStruct<Adapted>);
  CHECK_FALSE(kIsRawStruct<AdaptedTemplate<int>>);
  CHECK_FALSE(kIsRawStruct<WithText>);
  CHECK_FALSE(kIsRawStruct<int>);
  CHECK_FALSE(kIsRawStruct<Color>);
  CHECK_FALSE(kIsRawStruct<int *>);
}

TEST_CASE("what msgpack and the standard library give a meaning to stays msgpack") {
  CHECK_FALSE(kIsRawStruct<std::array<int, 3>>);
  CHECK_FALSE(kIsRawStruct<std::optional<int>>);
  CHECK_FALSE(kIsRawStruct<std::complex<double>>);
  CHECK_FALSE(kIsRawStruct<std::chrono::system_clock::time_point>);
  CHECK_FALSE(kIsRawStruct<std::string_view>);
  CHECK_FALSE(kIsRawStruct<std::reference_wrapper<int>>);
  CHECK_FALSE(kIsRawStruct<std::pair<int, int>>);
  CHECK_FALSE(kIsRawStruct<std::timespec>);
  CHECK_FALSE(kIsRawStruct<msgpack::type::nil_t>);
  CHECK_FALSE(kIsRawStruct<msgpack::type::fix_int32>);
  CHECK_FALSE(kIsRawStruct<ray::ObjectRef<int>>);
  CHECK(carry<std::array<int, 3>>(std::array<int, 3>{1, 2, 3}) == std::array<int, 3>{1, 2, 3});
  CHECK(carry<std::optional<int>>(std::optional<int>(4)) == 4);
  CHECK(carry<Packed>(Packed{5}).number == 5);
  CHECK(carry<Adapted>(Adapted{6}).number == 6);
  CHECK(carry<AdaptedTemplate<int>>(AdaptedTemplate<int>{7}).number == 7);
}

TEST_CASE("a raw struct is its bytes, and comes back") {
  const Sample sample{1.5, {1, 2, 3}, {4, 5, 6}};
  PackBuffer buffer;
  const Encoded encoded = encode(sample, buffer);
  CHECK(encoded.data == &sample);
  CHECK(encoded.size == sizeof sample);
  CHECK(encoded.format == format_of_raw(sizeof sample));
  CHECK(encoded.format == (3U | sizeof(Sample) << 8));
  const auto back = carry<Sample>(sample);
  CHECK(back.time == 1.5);
  CHECK(back.values[2] == 3);
  CHECK(back.pixel == sample.pixel);
  CHECK(carry<NoDefault>(NoDefault(3)).number == 3);
}

TEST_CASE("a vector of raw structs is their bytes, and comes back") {
  const std::vector<Pixel> pixels{{1, 2, 3}, {4, 5, 6}};
  PackBuffer buffer;
  const Encoded encoded = encode(pixels, buffer);
  CHECK(encoded.data == pixels.data());
  CHECK(encoded.size == 6);
  CHECK(encoded.format == format_of_raw(3));
  CHECK(carry<std::vector<Pixel>>(pixels) == pixels);
  CHECK(carry<std::vector<Pixel>>(std::vector<Pixel>()).empty());
}

TEST_CASE("a struct that lies unaligned is read all the same") {
  const Sample sample{2.5, {}, {}};
  std::vector<std::byte> shifted(1 + sizeof sample);
  std::memcpy(shifted.data() + 1, &sample, sizeof sample);
  const Bytes bytes{shifted.data() + 1, sizeof sample, format_of_raw(sizeof sample)};
  CHECK(decode<Sample>(bytes).time == 2.5);
  CHECK(decode<std::vector<Sample>>(bytes)[0].time == 2.5);
}

TEST_CASE("a struct of another size, or bytes that are none, are refused") {
  CHECK_THROWS_AS(carry<Sample>(Pixel{}), RayException);
  CHECK_THROWS_AS(carry<std::vector<Pixel>>(Sample{}), RayException);
  CHECK_THROWS_AS(carry<Pixel>(std::vector<Pixel>(2)), RayException);
  CHECK_THROWS_AS(carry<int>(Pixel{}), RayException);
  CHECK_THROWS_AS(carry<std::string>(Pixel{}), RayException);
  CHECK_THROWS_AS(carry<std::vector<int>>(Pixel{}), RayException);
  CHECK_THROWS_AS(carry<Pixel>(std::string("abc")), RayException);
  CHECK_THROWS_AS(carry<Pixel>(std::vector<std::uint8_t>{1, 2, 3}), RayException);
  const std::byte cut[4] = {};
  CHECK_THROWS_AS(decode<std::vector<Pixel>>(Bytes{cut, 4, format_of_raw(3)}), RayException);
  CHECK_THROWS_WITH_AS(carry<Sample>(Pixel{}),
                       "Type mismatch: the object is structs of 3 bytes, 3 bytes, and not of the declared type",
                       RayException);
}

TEST_CASE("a struct that msgpack packs is read from its raw bytes, too") {
  const Packed packed{8};
  const Bytes raw{reinterpret_cast<const std::byte *>(&packed), sizeof packed, format_of_raw(sizeof packed)};
  CHECK(decode<Packed>(raw).number == 8);
  CHECK(decode<std::vector<Packed>>(raw)[0].number == 8);
}

TEST_CASE("values that are their bytes need no look for references") {
  CHECK_FALSE(ray::internal::kMayContainReferences<int>);
  CHECK_FALSE(ray::internal::kMayContainReferences<std::string>);
  CHECK_FALSE(ray::internal::kMayContainReferences<std::vector<double>>);
  CHECK_FALSE(ray::internal::kMayContainReferences<Sample>);
  CHECK_FALSE(ray::internal::kMayContainReferences<std::vector<Sample>>);
  CHECK(ray::internal::kMayContainReferences<std::vector<ray::ObjectRef<int>>>);
  CHECK(ray::internal::kMayContainReferences<std::vector<std::string>>);
}
