#include "tasks/task_spec.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/limits.h"

namespace mobula::tasks {
namespace {

using Copy = std::vector<std::byte>;

// Exactly as large as the bytes, so that a sanitizer sees the first byte read too many.
Copy copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

Copy text_bytes(const std::string &text) { return copy_of(std::as_bytes(std::span(text))); }

Copy sample_spec() {
  static const Copy value = text_bytes("a value of some length");
  static const refs::ObjectName contained[] = {{3, 1ull << 47}, {4, 2}};
  const ArgumentToEncode arguments[] = {{{7, 99}, {}, 0, {}}, {{}, value, 0x102, contained}, {{}, {}, 1, {}}};
  return copy_of(encode_spec(0xfeedfacecafebeefull, 3, arguments));
}

bool lies_in(const Bytes &part, const Copy &whole) {
  if (part.size == 0) return true;
  return part.data >= whole.data() && part.size <= whole.size() &&
         static_cast<std::size_t>(part.data - whole.data()) <= whole.size() - part.size;
}

// Reads all that a valid spec points to; true when it stays inside the bytes.
bool is_bounded(const TaskSpec &spec, const Copy &bytes) {
  if (spec.arguments.size() > base::kArgumentsMax) return false;
  std::uint64_t sum = 0;
  for (const ArgumentView &argument : spec.arguments) {
    if (!lies_in(argument.value, bytes) || argument.contained.size() > bytes.size()) return false;
    for (std::uint64_t i = 0; i < argument.value.size; ++i)
      sum += std::to_integer<std::uint64_t>(argument.value.data[i]);
    for (const refs::ObjectName &name : argument.contained) sum += name.generation;
  }
  return sum != 1;  // uses the sum; no sample adds up to 1
}

TEST_SUITE("tasks/task_spec") {
  TEST_CASE("a spec comes back as it was written: references, values, formats and what they contain") {
    const Copy bytes = sample_spec();
    const std::optional<TaskSpec> spec = decode_spec(bytes);
    REQUIRE(spec);
    CHECK(spec->function == 0xfeedfacecafebeefull);
    CHECK(spec->retries == 3);
    CHECK(spec->site == 0);
    REQUIRE(spec->arguments.size() == 3);
    CHECK(spec->arguments[0].reference == refs::ObjectName{7, 99});
    CHECK(spec->arguments[0].contained.empty());
    CHECK(spec->arguments[1].reference.entry == segment::kNoEntry);
    CHECK(spec->arguments[1].value.format == 0x102);
    CHECK(std::string(reinterpret_cast<const char *>(spec->arguments[1].value.data), spec->arguments[1].value.size) ==
          "a value of some length");
    REQUIRE(spec->arguments[1].contained.size() == 2);
    CHECK(spec->arguments[1].contained[0] == refs::ObjectName{3, 1ull << 47});
    CHECK(spec->arguments[1].contained[1] == refs::ObjectName{4, 2});
    CHECK(spec->arguments[2].value.size == 0);
    CHECK(spec->arguments[2].value.format == 1);
  }

  TEST_CASE("a spec without arguments is small enough to lie inline") {
    const Copy bytes = copy_of(encode_spec(1, 0, {}));
    CHECK(bytes.size() <= segment::kInlineBytes);
    const std::optional<TaskSpec> spec = decode_spec(bytes);
    REQUIRE(spec);
    CHECK(spec->arguments.empty());
  }

  TEST_CASE("values are aligned for every element type") {
    for (std::size_t size = 1; size < 40; ++size) {
      const Copy value(size, std::byte{1});
      const ArgumentToEncode arguments[] = {{{}, value, 0, {}}, {{}, value, 0, {}}};
      const Copy bytes = copy_of(encode_spec(1, 0, arguments));
      const std::optional<TaskSpec> spec = decode_spec(bytes);
      REQUIRE(spec);
      for (const ArgumentView &argument : spec->arguments) {
        CHECK(reinterpret_cast<std::uintptr_t>(argument.value.data) % 8 == 0);
      }
    }
  }

  TEST_CASE("as many arguments as are allowed pass, one more is refused") {
    const std::vector<ArgumentToEncode> most(base::kArgumentsMax, ArgumentToEncode{{1, 1}, {}, 0, {}});
    CHECK(decode_spec(copy_of(encode_spec(1, 0, most))).has_value());
    const std::vector<ArgumentToEncode> many(base::kArgumentsMax + 1, ArgumentToEncode{{1, 1}, {}, 0, {}});
    CHECK_FALSE(decode_spec(copy_of(encode_spec(1, 0, many))).has_value());
  }

  TEST_CASE("nothing, too little and another kind of message are no spec") {
    CHECK_FALSE(decode_spec({}).has_value());
    const Copy bytes = sample_spec();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const Copy cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      const std::optional<TaskSpec> spec = decode_spec(cut);
      if (spec) CHECK(is_bounded(*spec, cut));
    }
    CHECK_FALSE(decode_spec(copy_of(encode_error(Error{}))).has_value());
    CHECK_FALSE(decode_spec(Copy(4096, std::byte{0})).has_value());
    CHECK_FALSE(decode_spec(Copy(4096, std::byte{0xff})).has_value());
  }

  TEST_CASE("damaged bytes give nothing, or a spec that stays inside them") {
    const Copy good = sample_spec();
    std::mt19937 random(20240607);
    std::uint32_t refused = 0;
    std::uint32_t unbounded = 0;
    for (std::uint32_t round = 0; round < 20'000; ++round) {
      Copy bytes = good;
      const auto flips = 1 + random() % 4;
      for (std::uint32_t flip = 0; flip < flips; ++flip) {
        bytes[random() % bytes.size()] ^= std::byte(1u << random() % 8);
      }
      if (round % 5 == 0) std::memset(bytes.data() + random() % (bytes.size() - 4), 0xff, 4);
      const std::optional<TaskSpec> spec = decode_spec(bytes);
      if (!spec)
        ++refused;
      else if (!is_bounded(*spec, bytes))
        ++unbounded;
    }
    CHECK(unbounded == 0);
    CHECK(refused > 1000);
    CHECK(refused < 20'000);
  }
}

TEST_SUITE("tasks/task_error") {
  TEST_CASE("an error comes back as it was written") {
    Error error;
    error.code = Code::kTaskFailed;
    error.message = "divided by zero";
    error.function = "divide";
    error.type = "std::domain_error";
    error.pid = 4711;
    error.signal = 11;
    error.task = "the third one";
    error.started_ns = 5'000'000'000;
    error.failed_ns = 6'000'000'000;
    error.causes.resize(2);
    error.causes[0].type = "std::range_error";
    error.causes[1].code = Code::kWorkerDied;
    error.causes[1].pid = 12;
    const std::optional<Error> decoded = decode_error(copy_of(encode_error(error)));
    REQUIRE(decoded);
    CHECK(decoded->code == error.code);
    CHECK(decoded->message == error.message);
    CHECK(decoded->function == error.function);
    CHECK(decoded->type == error.type);
    CHECK(decoded->pid == 4711);
    CHECK(decoded->signal == 11);
    CHECK(decoded->task == "the third one");
    CHECK(decoded->started_ns == 5'000'000'000);
    CHECK(decoded->failed_ns == 6'000'000'000);
    REQUIRE(decoded->causes.size() == 2);
    CHECK(decoded->causes[0].type == "std::range_error");
    CHECK(decoded->causes[1].code == Code::kWorkerDied);
    CHECK(decoded->causes[1].pid == 12);
  }

  TEST_CASE("an error keeps its nearest causes, and none of theirs") {
    Error error;
    error.causes.resize(kCausesMax + 3);
    for (std::size_t i = 0; i < error.causes.size(); ++i) error.causes[i].pid = static_cast<std::int32_t>(i + 1);
    error.causes[0].causes.resize(1);
    const std::optional<Error> decoded = decode_error(copy_of(encode_error(error)));
    REQUIRE(decoded);
    REQUIRE(decoded->causes.size() == kCausesMax);
    CHECK(decoded->causes[0].causes.empty());
    CHECK(decoded->causes[kCausesMax - 1].pid == static_cast<std::int32_t>(kCausesMax));
  }

  TEST_CASE("damaged bytes never crash the reader") {
    Error error;
    error.message = "a message";
    error.type = "std::runtime_error";
    const Copy good = copy_of(encode_error(error));
    std::mt19937 random(7);
    std::uint32_t refused = 0;
    for (std::uint32_t round = 0; round < 20'000; ++round) {
      Copy bytes = good;
      bytes[random() % bytes.size()] ^= std::byte(1u << random() % 8);
      if (round % 3 == 0) bytes.resize(random() % bytes.size());
      const std::optional<Error> decoded = decode_error(bytes);
      if (!decoded)
        ++refused;
      else
        CHECK(decoded->message.size() + decoded->type.size() <= 2 * bytes.size());
    }
    CHECK(refused > 1000);
  }
}

TEST_SUITE("tasks/function_number") {
  TEST_CASE("the number of a name is its 64-bit FNV-1a and never 0") {
    CHECK(function_number("") == 0xcbf29ce484222325ull);
    CHECK(function_number("a") == 0xaf63dc4c8601ec8cull);
    CHECK(function_number("foobar") == 0x85944171f73967e8ull);
    CHECK(function_number("foobar") != function_number("foobaz"));
  }
}

}  // namespace
}  // namespace mobula::tasks
