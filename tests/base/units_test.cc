#include "base/units.h"

#include <doctest/doctest.h>

#include <optional>

namespace mobula::base {
namespace {

TEST_SUITE("base/units") {
  TEST_CASE("sizes are written in the largest binary unit, with one digit after the point where it says something") {
    CHECK(format_bytes(0) == "0 bytes");
    CHECK(format_bytes(112) == "112 bytes");
    CHECK(format_bytes(1023) == "1023 bytes");
    CHECK(format_bytes(1024) == "1 KiB");
    CHECK(format_bytes(1536) == "1.5 KiB");
    CHECK(format_bytes(64ull << 20) == "64 MiB");
    CHECK(format_bytes(1ull << 30) == "1 GiB");
    CHECK(format_bytes((3ull << 30) / 2) == "1.5 GiB");
    CHECK(format_bytes(5ull << 40) == "5 TiB");
    CHECK(format_bytes(2048ull << 40) == "2048 TiB");
  }

  TEST_CASE("sizes are read as people write them") {
    CHECK(parse_bytes("0") == 0);
    CHECK(parse_bytes("1073741824") == 1ull << 30);
    CHECK(parse_bytes("1GiB") == 1ull << 30);
    CHECK(parse_bytes("1 GiB") == 1ull << 30);
    CHECK(parse_bytes("512 MiB") == 512ull << 20);
    CHECK(parse_bytes("64M") == 64ull << 20);
    CHECK(parse_bytes("64m") == 64ull << 20);
    CHECK(parse_bytes("2g") == 2ull << 30);
    CHECK(parse_bytes("1.5GiB") == (3ull << 30) / 2);
    CHECK(parse_bytes("1e9") == 1'000'000'000);
    CHECK(parse_bytes("1KB") == 1000);
    CHECK(parse_bytes("3 MB") == 3'000'000);
    CHECK(parse_bytes("112 bytes") == 112);
    CHECK(parse_bytes("1TiB") == 1ull << 40);
  }

  TEST_CASE("what is no size is refused") {
    for (const char *text : {"", " ", "-1", "+1", "abc", "GiB", "1 XiB", "1GiBB", "1 2", "1e30", "1e400", "99999999TiB",
                             "1kk", "nan", "inf", ".5G", "1,5G", "4 MiB please"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_bytes(text).has_value());
    }
  }

  TEST_CASE("times are read as people write them") {
    CHECK(parse_duration_ms("0") == 0);
    CHECK(parse_duration_ms("30") == 30'000);
    CHECK(parse_duration_ms("30s") == 30'000);
    CHECK(parse_duration_ms("250ms") == 250);
    CHECK(parse_duration_ms("2m") == 120'000);
    CHECK(parse_duration_ms("2 min") == 120'000);
    CHECK(parse_duration_ms("1.5h") == 5'400'000);
    CHECK(parse_duration_ms("1d") == 86'400'000);
    CHECK(parse_duration_ms("0.0004s") == 0);
  }

  TEST_CASE("what is no time is refused") {
    for (const char *text : {"", "s", "-1s", "+1s", "1 week", "1S", "1e9h", "367d", "nan", "1s2", ".5s", "1,5s"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_duration_ms(text).has_value());
    }
  }

  TEST_CASE("rates are read as people write them") {
    CHECK(parse_rate_per_second("5/s") == 5.0);
    CHECK(parse_rate_per_second("5") == 5.0);
    CHECK(parse_rate_per_second("0.5 /s") == 0.5);
    CHECK(parse_rate_per_second("30/min") == 0.5);
    CHECK(parse_rate_per_second("30/m") == 0.5);
    CHECK(parse_rate_per_second("3600/h") == 1.0);
    CHECK(parse_rate_per_second("1/ms") == 1000.0);
    CHECK(parse_rate_per_second("0/s") == 0.0);
  }

  TEST_CASE("what is no rate is refused") {
    for (const char *text : {"", "/s", "5/", "5s", "-1/s", "5/week", "5 per s", "1e7/s", "inf/s", "5//s", "5/s/s"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_rate_per_second(text).has_value());
    }
  }

  TEST_CASE("what is written can be read back") {
    for (std::uint64_t bytes : {0ull, 1ull, 1023ull, 1024ull, 1536ull, 64ull << 20, 1ull << 30, 7ull << 40}) {
      CHECK(parse_bytes(format_bytes(bytes)) == bytes);
    }
  }
}

}  // namespace
}  // namespace mobula::base
