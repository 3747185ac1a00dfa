#include "ray/api/packed_values.h"

#include <doctest/doctest.h>

#include <any>
#include <map>
#include <string>
#include <vector>

#include "ray/api/serializer.h"

namespace {

using ray::internal::Serializer;

template <typename T>
T carried(const std::any &value) {
  const msgpack::sbuffer packed = Serializer::Serialize(value);
  return std::any_cast<T>(Serializer::Deserialize<std::any>(packed.data(), packed.size()));
}

}  // namespace

TEST_CASE("values of every kind that msgpack names travel as std::any") {
  CHECK(carried<bool>(true));
  CHECK(carried<std::uint64_t>(std::uint64_t{7}) == 7);
  CHECK(carried<std::int64_t>(std::int64_t{-7}) == -7);
  CHECK(carried<double>(0.5) == 0.5);
  CHECK(carried<std::string>(std::string("text")) == "text");
  CHECK(carried<std::vector<char>>(std::vector<char>{'a', '\0'}) == std::vector<char>{'a', '\0'});
  CHECK_NOTHROW(carried<msgpack::type::nil_t>(msgpack::type::nil_t()));
  CHECK_THROWS_AS(Serializer::Serialize(std::any(std::map<int, int>())), msgpack::type_error);
  CHECK_THROWS_AS(Serializer::Serialize(std::any()), msgpack::type_error);
}

TEST_CASE("an object may be a std::any, too") {
  ray::internal::PackBuffer buffer;
  const ray::internal::Encoded encoded = ray::internal::encode(std::any(std::string("text")), buffer);
  const mobula::Bytes bytes{static_cast<const std::byte *>(encoded.data), encoded.size, encoded.format};
  CHECK(std::any_cast<std::string>(ray::internal::decode<std::any>(bytes)) == "text");
}

TEST_CASE("plain msgpack is read back by its class of Ray's name, one value after the other") {
  msgpack::sbuffer packed = Serializer::Serialize(std::vector<int>{1, 2});
  const std::size_t first = packed.size();
  msgpack::pack(packed, std::string("next"));
  CHECK(Serializer::Deserialize<std::vector<int>>(packed.data(), first) == std::vector<int>{1, 2});
  CHECK(Serializer::Deserialize<std::string>(packed.data(), packed.size(), first) == "next");
  std::size_t offset = 0;
  CHECK(Serializer::Deserialize<std::vector<int>>(packed.data(), packed.size(), &offset).size() == 2);
  CHECK(offset == first);
  const msgpack::sbuffer bytes = Serializer::Serialize("ab", 2);
  CHECK(Serializer::Deserialize<std::vector<char>>(bytes.data(), bytes.size()) == std::vector<char>{'a', 'b'});
  const msgpack::sbuffer nil = Serializer::Serialize(msgpack::type::nil_t());
  CHECK_FALSE(Serializer::DeserializeWhenNil<int>(nil.data(), nil.size()).first);
  CHECK_FALSE(Serializer::HasError(nil.data(), nil.size()));
  CHECK_FALSE(Serializer::IsXLang(nil.data(), nil.size()));
  const msgpack::sbuffer seven = Serializer::Serialize(7);
  CHECK(Serializer::DeserializeWhenNil<int>(seven.data(), seven.size()) == std::make_pair(true, 7));
}
