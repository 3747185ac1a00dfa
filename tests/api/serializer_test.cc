#include "ray/api/serializer.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace {

using mobula::Bytes;
using mobula::Element;
using mobula::Encoding;
using mobula::Format;
using mobula::format_of;
using ray::internal::decode;
using ray::internal::encode;
using ray::internal::Encoded;
using ray::internal::PackBuffer;
using ray::internal::RayException;

template <typename T>
Format format_of_value(const T &value) {
  PackBuffer buffer;
  return encode(value, buffer).format;
}

// What Get gives for the declared type Declared when `value` was put.
template <typename Declared, typename T>
Declared carry(const T &value) {
  PackBuffer buffer;
  const Encoded encoded = encode(value, buffer);
  return decode<Declared>({static_cast<const std::byte *>(encoded.data), encoded.size, encoded.format});
}

template <typename T>
T through(const T &value) {
  return carry<T>(value);
}

// The same by msgpack alone.
template <typename Declared, typename T>
Declared carry_by_msgpack(const T &value) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, value);
  return msgpack::unpack(buffer.data(), buffer.size()).get().as<Declared>();
}

template <typename T>
Bytes bytes_of(const std::vector<T> &raw, Format format) {
  return {reinterpret_cast<const std::byte *>(raw.data()), raw.size() * sizeof(T), format};
}

struct Inner {
  int number = 0;
  std::vector<std::string> words;
  MSGPACK_DEFINE(number, words)
};
struct Outer {
  Inner inner;
  std::map<std::string, double> weights;
  std::optional<int> maybe;
  MSGPACK_DEFINE(inner, weights, maybe)
};
enum class Color { kRed = 1, kBlue = 70000 };

}  // namespace
MSGPACK_ADD_ENUM(Color)

TEST_CASE("every integer comes back as itself, at each width msgpack uses") {
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    for (std::uint64_t value : {power - 1, power, power + 1}) {
      CHECK(through(value) == value);
      const auto negative = static_cast<std::int64_t>(~value);
      CHECK(through(negative) == negative);
    }
  }
  CHECK(through(std::numeric_limits<std::int8_t>::min()) == std::numeric_limits<std::int8_t>::min());
  CHECK(through('x') == 'x');
  CHECK(through(true));
  CHECK_FALSE(through(false));
}

TEST_CASE("floating point numbers come back bit by bit") {
  for (double value : {0.0, 1.0, -1.0, 0.1, 1e300, -5e-324, std::numeric_limits<double>::infinity()}) {
    CHECK(through(value) == value);
    CHECK(through(static_cast<float>(value)) == static_cast<float>(value));
  }
  const double nan = through(std::numeric_limits<double>::quiet_NaN());
  CHECK(nan != nan);
}

TEST_CASE("a number is one msgpack value, known byte by byte") {
  PackBuffer buffer;
  const Encoded encoded = encode(300, buffer);
  REQUIRE(encoded.size == 3);
  CHECK(encoded.format == 0);
  CHECK(std::memcmp(encoded.data, "\xcd\x01\x2c", 3) == 0);
}

TEST_CASE("a number too large for the declared type is refused, not cut") {
  CHECK_THROWS_AS(carry<std::int8_t>(128), RayException);
  CHECK_THROWS_AS(carry<unsigned>(-1), RayException);
  CHECK_THROWS_AS(carry<std::int64_t>(std::numeric_limits<std::uint64_t>::max()), RayException);
  CHECK_THROWS_AS(carry<int>(0.5), RayException);
  CHECK_THROWS_AS(carry<bool>(1), RayException);
  CHECK_THROWS_AS(carry<int>(true), RayException);
  CHECK(carry<double>(7) == 7.0);
  CHECK(carry<float>(-7) == -7.0F);
}

TEST_CASE("nil is only read where a value may be absent") {
  CHECK_THROWS_AS(carry<int>(msgpack::type::nil_t()), RayException);
  CHECK_THROWS_AS(carry<std::string>(msgpack::type::nil_t()), RayException);
  CHECK_THROWS_AS(carry<std::vector<int>>(msgpack::type::nil_t()), RayException);
  CHECK_FALSE(carry<std::optional<int>>(msgpack::type::nil_t()).has_value());
  CHECK(carry<std::shared_ptr<int>>(msgpack::type::nil_t()) == nullptr);
}

TEST_CASE("a string is stored as its characters and points into the value") {
  const std::string text("a\0b", 3);
  PackBuffer buffer;
  const Encoded encoded = encode(text, buffer);
  CHECK(encoded.data == text.data());
  CHECK(encoded.size == 3);
  CHECK(encoded.format == format_of(Encoding::kString));
  CHECK(buffer.size() == 0);
  CHECK(through(text) == text);
  CHECK(through(std::string()).empty());
  CHECK(through(std::string(70000, 'x')) == std::string(70000, 'x'));
}

TEST_CASE_TEMPLATE("a vector of numbers is stored as its elements", T, std::int8_t, std::int16_t, std::uint16_t, int,
                   unsigned, long, unsigned long, long long, unsigned long long, float, double, char, unsigned char) {
  const std::vector<T> numbers{T(1), T(2), std::numeric_limits<T>::max(), std::numeric_limits<T>::min()};
  PackBuffer buffer;
  const Encoded encoded = encode(numbers, buffer);
  CHECK(encoded.data == numbers.data());
  CHECK(encoded.size == sizeof(T) * 4);
  CHECK((encoded.format & 0xff) == format_of(Encoding::kArray));
  CHECK(through(numbers) == numbers);
  CHECK(through(std::vector<T>()).empty());
}

TEST_CASE("element tags name width and sign, and bytes share one") {
  CHECK(format_of_value(std::vector<signed char>()) == format_of(Element::kI8));
  CHECK(format_of_value(std::vector<char>()) == format_of(Element::kU8));
  CHECK(format_of_value(std::vector<unsigned char>()) == format_of(Element::kU8));
  CHECK(format_of_value(std::vector<std::byte>()) == format_of(Element::kU8));
  CHECK(format_of_value(std::vector<short>()) == format_of(Element::kI16));
  CHECK(format_of_value(std::vector<unsigned short>()) == format_of(Element::kU16));
  CHECK(format_of_value(std::vector<int>()) == format_of(Element::kI32));
  CHECK(format_of_value(std::vector<unsigned>()) == format_of(Element::kU32));
  CHECK(format_of_value(std::vector<long long>()) == format_of(Element::kI64));
  CHECK(format_of_value(std::vector<long>()) == format_of(Element::kI64));
  CHECK(format_of_value(std::vector<unsigned long>()) == format_of(Element::kU64));
  CHECK(format_of_value(std::vector<float>()) == format_of(Element::kF32));
  CHECK(format_of_value(std::vector<double>()) == format_of(Element::kF64));
  CHECK(format_of_value(std::vector<bool>()) == format_of(Encoding::kMsgpack));
  CHECK(format_of_value("text") == format_of(Encoding::kMsgpack));
}

TEST_CASE("raw elements become another declared type exactly as msgpack would have it") {
  const std::vector<int> numbers{-1, 0, 1, 70000};
  CHECK(carry<std::vector<double>>(numbers) == carry_by_msgpack<std::vector<double>>(numbers));
  CHECK(carry<std::list<long>>(numbers) == carry_by_msgpack<std::list<long>>(numbers));
  CHECK(carry<std::array<int, 4>>(numbers) == carry_by_msgpack<std::array<int, 4>>(numbers));
  CHECK(carry<std::tuple<int, int, int, long>>(numbers) == std::make_tuple(-1, 0, 1, 70000L));
  CHECK(carry<std::vector<int>>(std::list<int>{1, 2}) == std::vector<int>{1, 2});
  CHECK(carry<std::vector<double>>(std::vector<float>{0.5F}) == std::vector<double>{0.5});
  CHECK(carry<std::vector<signed char>>(std::vector<int>{-3}) == std::vector<signed char>{-3});
  CHECK_THROWS_AS(carry<std::vector<signed char>>(numbers), RayException);
  CHECK_THROWS_AS(carry<std::vector<int>>(std::vector<double>{0.5}), RayException);
  CHECK_THROWS_AS(carry<std::string>(numbers), RayException);
  CHECK_THROWS_AS(carry<int>(numbers), RayException);
}

TEST_CASE("bytes and strings mix exactly as in msgpack") {
  const std::string text = "mix";
  const std::vector<char> chars{'m', 'i', 'x'};
  const std::vector<unsigned char> bytes{'m', 'i', 'x'};
  CHECK(carry<std::vector<char>>(text) == carry_by_msgpack<std::vector<char>>(text));
  CHECK(carry<std::vector<unsigned char>>(text) == carry_by_msgpack<std::vector<unsigned char>>(text));
  CHECK(carry<std::string>(chars) == carry_by_msgpack<std::string>(chars));
  CHECK(carry<std::string>(bytes) == carry_by_msgpack<std::string>(bytes));
  CHECK(carry<std::vector<char>>(bytes) == chars);
  CHECK(carry<std::vector<unsigned char>>(chars) == bytes);
  CHECK(carry<std::vector<std::byte>>(chars).size() == carry_by_msgpack<std::vector<std::byte>>(chars).size());
  CHECK(carry<std::string>("mix") == text);
  CHECK_THROWS_AS(carry<std::vector<signed char>>(text), RayException);
  CHECK_THROWS_AS(carry<std::vector<signed char>>(chars), RayException);
  CHECK_THROWS_AS(carry<std::vector<int>>(bytes), RayException);
  CHECK_THROWS_AS(carry<int>(text), RayException);
}

TEST_CASE("a string_view looks at the stored bytes themselves") {
  const std::string text = "in place";
  CHECK(carry<std::string_view>(text).data() == text.data());
}

TEST_CASE("structs, enums and nested containers go through msgpack") {
  Outer outer;
  outer.inner = {7, {"a", std::string(300, 'b')}};
  outer.weights = {{"x", 0.5}};
  const Outer back = through(outer);
  CHECK(back.inner.number == 7);
  CHECK(back.inner.words == outer.inner.words);
  CHECK(back.weights == outer.weights);
  CHECK_FALSE(back.maybe.has_value());
  CHECK(through(Color::kBlue) == Color::kBlue);
  CHECK(through(std::vector<bool>{true, false}) == std::vector<bool>{true, false});
  const std::vector<std::vector<int>> nested{{1}, {}, {2, 3}};
  CHECK(through(nested) == nested);
  CHECK_THROWS_AS(carry<Outer>(std::string("not a struct")), RayException);
}

TEST_CASE("a value larger than the inline buffer is packed whole") {
  std::map<int, std::string> large;
  for (int i = 0; i < 5000; ++i) large[i] = std::string(static_cast<std::size_t>(i % 40), 'v');
  CHECK(through(large) == large);
}

TEST_CASE("elements that lie unaligned are read all the same") {
  const std::vector<double> numbers{1.5, -2.5};
  std::vector<char> shifted(1 + 2 * sizeof(double));
  std::memcpy(shifted.data() + 1, numbers.data(), 2 * sizeof(double));
  const Bytes bytes{reinterpret_cast<const std::byte *>(shifted.data()) + 1, 2 * sizeof(double),
                    format_of(Element::kF64)};
  CHECK(decode<std::vector<double>>(bytes) == numbers);
}

TEST_CASE("damaged bytes are an exception, never a crash") {
  using Raw = std::vector<unsigned char>;
  CHECK_THROWS_AS(decode<int>(Bytes{}), RayException);
  CHECK_THROWS_AS(decode<int>(bytes_of(Raw{0xcd, 0x01}, 0)), RayException);  // cut short
  CHECK_THROWS_AS(decode<int>(bytes_of(Raw{0xc1}, 0)), RayException);        // no such type
  CHECK_THROWS_AS(decode<std::vector<int>>(bytes_of(Raw{0xdd, 0xff, 0xff, 0xff, 0xff}, 0)), RayException);  // 2^32 - 1
  CHECK_THROWS_AS(decode<std::vector<int>>(bytes_of(Raw{1, 2, 3}, format_of(Element::kI32))), RayException);
  CHECK_THROWS_AS(decode<int>(bytes_of(Raw{1}, 9)), RayException);
  CHECK_THROWS_AS(decode<int>(bytes_of(Raw{1}, format_of(Encoding::kArray) | 99U << 8)), RayException);
}
