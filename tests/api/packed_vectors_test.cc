#include "ray/api/packed_vectors.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "ray/api.h"

namespace {

using mobula::Bytes;
using ray::internal::BufferPacker;
using ray::internal::decode;
using ray::internal::encode;
using ray::internal::Encoded;
using ray::internal::PackBuffer;
using ray::internal::RayException;

struct Series {
  std::string name;
  std::vector<double> values;
  std::vector<std::vector<float>> rows;
  std::vector<char> blob;
  MSGPACK_DEFINE(name, values, rows, blob)
};
struct SeriesAsLists {
  std::string name;
  std::list<double> values;
  std::list<std::vector<double>> rows;
  std::string blob;
  MSGPACK_DEFINE(name, values, rows, blob)
};
struct Temporary {
  int count = 0;
  template <typename Packer>
  void msgpack_pack(Packer &packer) const {
    packer.pack_array(2);
    packer.pack(std::string(static_cast<std::size_t>(count), 't'));
    packer.pack(std::vector<double>(static_cast<std::size_t>(count), 0.5));
  }
};
struct Growing {
  mutable std::size_t packed = 0;
  template <typename Packer>
  void msgpack_pack(Packer &packer) const {
    packer.pack(std::string(100'000 + packed++, 'g'));
  }
};

template <typename T>
std::vector<T> count_up(std::size_t count) {
  std::vector<T> items(count);
  for (std::size_t i = 0; i < count; ++i) items[i] = static_cast<T>(i * 37);
  return items;
}
Series series(std::size_t count) {
  return {"s", count_up<double>(count), {count_up<float>(3), count_up<float>(count)}, std::vector<char>(count, 'b')};
}

template <typename T>
std::vector<std::byte> packed(const T &value) {
  PackBuffer buffer;
  ray::internal::pack_value(value, buffer);
  const auto *data = reinterpret_cast<const std::byte *>(buffer.data());
  return {data, data + buffer.size()};
}
template <typename T>
T unpack(const std::vector<std::byte> &bytes) {
  return ray::internal::unpack_value<T>(bytes.data(), bytes.size());
}

}  // namespace

TEST_CASE_TEMPLATE("long vectors of every number keep their elements as they are", T, signed char, short,
                   unsigned short, int, unsigned, long, unsigned long, long long, unsigned long long, float, double) {
  std::vector<T> items = count_up<T>(2000);
  items[0] = std::numeric_limits<T>::min();
  items[1] = std::numeric_limits<T>::max();
  const auto bytes = packed(std::vector<std::vector<T>>{items, {}, items});
  CHECK(bytes.size() <= 2 * (items.size() * sizeof(T) + 14) + 2);
  CHECK(unpack<std::vector<std::vector<T>>>(bytes) == std::vector<std::vector<T>>{items, {}, items});
}

TEST_CASE("the types of packed vectors are known by other programs, so they stay what they are") {
  CHECK(ray::internal::packed_vector_type<signed char>() == 0x61);
  CHECK(ray::internal::packed_vector_type<int>() == 0x65);
  CHECK(ray::internal::packed_vector_type<float>() == 0x69);
  CHECK(ray::internal::packed_vector_type<double>() == 0x6a);
}

TEST_CASE("short vectors are msgpack arrays as ever, and so are all in another stream") {
  const std::vector<double> below = count_up<double>(127);
  msgpack::sbuffer plain;
  msgpack::pack(plain, below);
  const auto bytes = packed(below);
  REQUIRE(bytes.size() == plain.size());
  CHECK(std::memcmp(bytes.data(), plain.data(), plain.size()) == 0);
  CHECK(std::to_integer<int>(packed(count_up<double>(128))[0]) == 0xc8);  // ext 16
  msgpack::sbuffer long_plain;
  msgpack::pack(long_plain, count_up<double>(128));
  CHECK(static_cast<unsigned char>(long_plain.data()[0]) == 0xdc);  // array 16
  CHECK(msgpack::unpack(long_plain.data(), long_plain.size()).get().as<std::vector<double>>() == count_up<double>(128));
}

TEST_CASE("structs with vectors come back, whatever the length") {
  for (const std::size_t count : {0ul, 1ul, 127ul, 128ul, 255ul, 256ul, 1024ul, 8192ul, 100'000ul}) {
    CAPTURE(count);
    const Series put = series(count);
    const auto back = unpack<Series>(packed(put));
    CHECK(back.name == put.name);
    CHECK(back.values == put.values);
    CHECK(back.rows == put.rows);
    CHECK(back.blob == put.blob);
  }
}

TEST_CASE("elements lie aligned in the buffer, and are read unaligned as well") {
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const auto bytes = packed(std::make_tuple(std::string(shift, 's'), count_up<double>(1000)));
    const double second = 37;
    const auto *found = static_cast<const std::byte *>(memmem(bytes.data(), bytes.size(), &second, sizeof second));
    REQUIRE(found != nullptr);
    CHECK((found - bytes.data()) % 8 == 0);
    std::vector<std::byte> shifted(shift + bytes.size());
    std::memcpy(shifted.data() + shift, bytes.data(), bytes.size());
    const auto back =
        ray::internal::unpack_value<std::tuple<std::string, std::vector<double>>>(shifted.data() + shift, bytes.size());
    CHECK(std::get<1>(back) == count_up<double>(1000));
  }
}

TEST_CASE("packed vectors become whatever msgpack arrays become") {
  const Series put = series(1000);
  const auto back = unpack<SeriesAsLists>(packed(put));
  CHECK(back.values == std::list<double>(put.values.begin(), put.values.end()));
  CHECK(back.rows.back() == std::vector<double>(put.rows[1].begin(), put.rows[1].end()));
  CHECK(back.blob == std::string(1000, 'b'));
  CHECK(unpack<std::vector<std::int64_t>>(packed(count_up<int>(1000))) == count_up<std::int64_t>(1000));
  CHECK(unpack<std::map<std::string, std::list<int>>>(
            packed(std::map<std::string, std::vector<int>>{{"k", count_up<int>(500)}}))["k"]
            .back() == 499 * 37);
  CHECK_THROWS_AS(unpack<std::vector<signed char>>(packed(count_up<int>(1000))), RayException);
  CHECK_THROWS_AS(unpack<std::string>(packed(count_up<int>(1000))), RayException);
  CHECK_THROWS_AS(unpack<std::vector<std::string>>(packed(count_up<int>(1000))), RayException);
}

TEST_CASE("damaged packed vectors are an exception") {
  const std::vector<double> items = count_up<double>(128);
  std::vector<std::byte> bytes = packed(items);
  REQUIRE(bytes.size() == 4 + 8 + 1024);
  const auto with = [&](std::size_t at, int value) {
    std::vector<std::byte> damaged = bytes;
    damaged[at] = static_cast<std::byte>(value);
    return damaged;
  };
  CHECK_THROWS_AS(unpack<std::vector<double>>(with(4, 8)), RayException);  // padding beyond 7
  CHECK_THROWS_AS(unpack<std::vector<double>>(with(4, 255)), RayException);
  CHECK_THROWS_AS(unpack<std::vector<double>>(with(3, 0x60)), RayException);  // no element type
  CHECK_THROWS_AS(unpack<std::vector<double>>(with(2, 9)), RayException);     // cut short
  std::vector<std::byte> odd = bytes;
  odd[2] = static_cast<std::byte>(7);
  odd.pop_back();
  CHECK_THROWS_AS(unpack<std::vector<double>>(odd), RayException);
  std::vector<std::byte> tiny{std::byte{0xc7}, std::byte{3}, std::byte{0x6a}, std::byte{}, std::byte{}, std::byte{}};
  CHECK_THROWS_AS(unpack<std::vector<double>>(tiny), RayException);
  CHECK_THROWS_AS(unpack<std::list<double>>(tiny), RayException);
}

TEST_CASE("deeply nested bytes do not exhaust the stack") {
  std::vector<std::byte> deep(100'000, std::byte{0x91});
  deep.push_back(std::byte{1});
  CHECK_THROWS_AS(unpack<std::vector<std::string>>(deep), RayException);
}

TEST_CASE("a limited buffer measures what it does not keep") {
  PackBuffer kept(1000);
  ray::internal::pack_value(std::string(900, 'k'), kept);
  CHECK(kept.is_whole());
  CHECK(kept.size() == 903);
  PackBuffer measured(1000);
  const Series value = series(10'000);
  ray::internal::pack_value(value, measured);
  CHECK_FALSE(measured.is_whole());
  const auto whole = packed(value);
  REQUIRE(measured.size() == whole.size());
  std::vector<std::byte> target(whole.size() + 8, std::byte{0xee});
  ray::internal::pack_into(value, target.data(), whole.size());
  CHECK(std::memcmp(target.data(), whole.data(), whole.size()) == 0);
  CHECK(target[whole.size()] == std::byte{0xee});
}

TEST_CASE("a value of many short pieces is kept beyond the limit, and a long piece after them is measured") {
  std::map<int, std::string> value;
  for (int i = 0; i < 20'000; ++i) value[i] = std::string(static_cast<std::size_t>(i % 50), 'v');
  const auto whole = packed(value);
  PackBuffer kept(PackBuffer::kKeptBytesMax);
  const Encoded encoded = encode(value, kept);
  REQUIRE(encoded.size == whole.size());
  CHECK(std::memcmp(encoded.data, whole.data(), whole.size()) == 0);
  const auto with_long = std::make_tuple(value, std::string(2'000'000, 'l'), value);  // more than was grown ahead
  PackBuffer measured(PackBuffer::kKeptBytesMax);
  CHECK(encode(with_long, measured).data == nullptr);
  CHECK(measured.size() == packed(with_long).size());
}

TEST_CASE("temporaries of a packer of the user are written while they live") {
  const Temporary value{50'000};
  PackBuffer measured(PackBuffer::kKeptBytesMax);
  const std::uint64_t size = encode(value, measured).size;
  std::vector<std::byte> target(size);
  ray::internal::pack_into(value, target.data(), size);
  const auto back = unpack<std::tuple<std::string, std::vector<double>>>(target);
  CHECK(std::get<0>(back) == std::string(50'000, 't'));
  CHECK(std::get<1>(back) == std::vector<double>(50'000, 0.5));
}

TEST_CASE("a value that changes while it is packed is an error, and nothing beyond its memory is written") {
  const Growing value;
  PackBuffer measured(PackBuffer::kKeptBytesMax);
  const std::uint64_t size = encode(value, measured).size;
  std::vector<std::byte> target(size + 64, std::byte{0xee});
  CHECK_THROWS_AS(ray::internal::pack_into(value, target.data(), size), RayException);
  CHECK(target[size] == std::byte{0xee});
}
