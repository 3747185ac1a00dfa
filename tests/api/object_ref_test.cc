#include "ray/api/object_ref.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "ray/api/exceptions.h"
#include "ray/api/serializer.h"

namespace {

template <typename Declared, typename T>
Declared carry(const T &value) {
  ray::internal::PackBuffer buffer;
  const ray::internal::Encoded encoded = ray::internal::encode(value, buffer);
  return ray::internal::decode<Declared>({static_cast<const std::byte *>(encoded.data), encoded.size, encoded.format});
}

const std::string kUnknownId(15, '\x7f');

}  // namespace

TEST_CASE("an empty handle has no ID and equals every other empty one") {
  const ray::ObjectRef<int> empty;
  CHECK(empty.ID().empty());
  CHECK(empty == ray::ObjectRef<int>());
  CHECK(empty.reference().empty());
  CHECK(ray::ObjectRef<void>::IsObjectRef());
}

TEST_CASE("a handle by an ID that names nothing keeps the ID and holds nothing") {
  const ray::ObjectRef<int> unknown(kUnknownId);
  CHECK(unknown.ID() == kUnknownId);
  CHECK(unknown.reference().empty());
  CHECK(unknown == ray::ObjectRef<int>(kUnknownId));
  CHECK_THROWS_AS(unknown.Get(0), ray::internal::RayException);
}

TEST_CASE("copies and moves keep the ID") {
  ray::ObjectRef<int> first(kUnknownId);
  const ray::ObjectRef<int> copy = first;
  const ray::ObjectRef<int> moved = std::move(first);
  CHECK(copy == moved);
  CHECK(moved.ID() == kUnknownId);
}

TEST_CASE("inside a value a handle travels as its ID") {
  const std::vector<ray::ObjectRef<int>> handles{ray::ObjectRef<int>(), ray::ObjectRef<int>(kUnknownId)};
  CHECK(carry<std::vector<ray::ObjectRef<int>>>(handles) == handles);
  CHECK(carry<std::vector<std::string>>(handles) == std::vector<std::string>{"", kUnknownId});
  CHECK_THROWS_AS(carry<ray::ObjectRef<int>>(7), ray::internal::RayException);
}
