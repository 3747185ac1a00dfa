// Programs may use msgpack by themselves, before and beside ray/api.h.
#include <msgpack.hpp>
#include <vector>

namespace {

struct Early {
  std::vector<double> values;
  std::vector<char> bytes;
  MSGPACK_DEFINE(values, bytes)
};

Early through_msgpack(const Early &early) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, early);
  return msgpack::unpack(buffer.data(), buffer.size()).get().as<Early>();
}

}  // namespace

#include <doctest/doctest.h>

#include "ray/api.h"

TEST_CASE("types that were packed before the header was included are stored like others") {
  const Early early{std::vector<double>(1000, 0.5), std::vector<char>(300, 'e')};
  CHECK(through_msgpack(early).values == early.values);
  ray::internal::PackBuffer buffer;
  const ray::internal::Encoded encoded = ray::internal::encode(early, buffer);
  CHECK(encoded.size < 8000 + 300 + 40);
  const auto back =
      ray::internal::decode<Early>({static_cast<const std::byte *>(encoded.data), encoded.size, encoded.format});
  CHECK(back.values == early.values);
  CHECK(back.bytes == early.bytes);
}

TEST_CASE("a value that another stream packed is read as well, and the other way round") {
  const std::vector<double> values(1000, 0.25);
  msgpack::sbuffer plain;
  msgpack::pack(plain, values);
  CHECK(ray::internal::unpack_value<std::vector<double>>(reinterpret_cast<const std::byte *>(plain.data()),
                                                         plain.size()) == values);
  ray::internal::PackBuffer buffer;
  ray::internal::pack_value(values, buffer);
  CHECK(msgpack::unpack(buffer.data(), buffer.size()).get().as<std::vector<double>>() == values);
}
