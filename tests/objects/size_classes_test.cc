#include "objects/size_classes.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

namespace mobula::objects {
namespace {

TEST_SUITE("objects/size_classes") {
  TEST_CASE("a payload that fits into the entry needs no block") {
    CHECK(class_of(0) == kInlineClass);
    CHECK(class_of(kInlineBytes) == kInlineClass);
    CHECK(class_of(kInlineBytes + 1) == 1);
    CHECK(block_bytes(kInlineClass) == 0);
  }

  TEST_CASE("block sizes grow from 256 B to 4 MiB in steps of at most a quarter, or a page") {
    CHECK(block_bytes(1) == 256);
    CHECK(block_bytes(2) == 320);
    CHECK(block_bytes(16) == 3584);
    CHECK(block_bytes(17) == 4096);
    CHECK(block_bytes(18) == 8192);
    CHECK(block_bytes(21) == 20480);
    CHECK(block_bytes(classes_count() - 1) == kLargestBlockBytes);
    for (SizeClass size_class = 2; size_class < classes_count(); ++size_class) {
      CAPTURE(size_class);
      const std::uint64_t step_bytes = block_bytes(size_class) - block_bytes(size_class - 1);
      CHECK(block_bytes(size_class) > block_bytes(size_class - 1));
      const bool quarter_or_page = step_bytes * 4 <= block_bytes(size_class - 1) || step_bytes == kPageBytes;
      CHECK(quarter_or_page);
    }
  }

  TEST_CASE("every block is a multiple of a cache line, and from 4 KiB on of a page") {
    for (SizeClass size_class = 1; size_class < classes_count(); ++size_class) {
      CAPTURE(size_class);
      CHECK(block_bytes(size_class) % 64 == 0);
      if (block_bytes(size_class) >= kPageBytes) CHECK(block_bytes(size_class) % kPageBytes == 0);
    }
  }

  TEST_CASE("every payload up to 4 MiB gets the smallest block that holds it") {
    SizeClass expected = 1;
    std::uint64_t wrong_count = 0;
    for (std::uint64_t bytes = kInlineBytes + 1; bytes <= kLargestBlockBytes; ++bytes) {
      if (bytes > block_bytes(expected)) ++expected;
      if (class_of(bytes) != expected) ++wrong_count;
    }
    CHECK(expected == classes_count() - 1);
    CHECK(wrong_count == 0);
  }

  TEST_CASE("less than a quarter of a block is unused, but for the smallest block and small numbers of pages") {
    for (SizeClass size_class = 2; size_class < classes_count(); ++size_class) {
      CAPTURE(size_class);
      if (block_bytes(size_class) > kPageBytes && block_bytes(size_class) < 4 * kPageBytes) continue;
      const std::uint64_t least_payload_bytes = block_bytes(size_class - 1) + 1;
      CHECK((block_bytes(size_class) - least_payload_bytes) * 4 < block_bytes(size_class));
    }
  }

  TEST_CASE("what is larger than the largest block is large, and no class has blocks beyond") {
    CHECK(class_of(kLargestBlockBytes) == classes_count() - 1);
    CHECK(class_of(kLargestBlockBytes + 1) == kLargeClass);
    CHECK(class_of(std::numeric_limits<std::uint64_t>::max()) == kLargeClass);
    CHECK(block_bytes(kLargeClass) == 0);
    CHECK(block_bytes(std::numeric_limits<SizeClass>::max()) == 0);
  }
}

}  // namespace
}  // namespace mobula::objects
