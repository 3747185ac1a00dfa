// Bytes that a session once wrote must mean the same today. Ring slots are compared byte by byte. FlatBuffers may lay
// the same message out in another way, so of those the stored bytes are decoded and their meaning is compared.
#include <doctest/doctest.h>

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "golden/golden.h"
#include "tasks/task_spec.h"
#include "wire/messages.h"
#include "wire/ring_messages.h"

namespace mobula {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

// Aligned as every reader has them.
std::vector<std::byte> bytes_of(const std::string &text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string encoded_spec() {
  static constexpr char kValue[] = "golden value";
  static const refs::ObjectName contained[] = {{11, 12}, {13, (1ull << 48) - 1}};
  const tasks::ArgumentToEncode arguments[] = {
      {{21, 22}, {}, 0, {}}, {{}, std::as_bytes(std::span(kValue)).first(12), format_of(Element::kF64), contained}};
  return text_of(tasks::encode_spec(0x0123456789abcdefull, 3, arguments));
}

Error sample_error() {
  Error error;
  error.code = Code::kTaskFailed;
  error.message = "golden message";
  error.function = "golden_function";
  error.type = "std::runtime_error";
  error.pid = 4711;
  error.signal = 9;
  return error;
}

wire::Hello sample_hello() {
  wire::Hello hello;
  hello.layout_version = 1;
  hello.layout_fingerprint = 0xcafef00d;
  hello.role = wire::Role::kDriver;
  hello.template_number = 5;
  hello.functions = {"one", "two"};
  hello.arguments = {"./golden", "--flag"};
  hello.token = 0xfedcba9876543210ull;
  return hello;
}

// The body of the one frame that is stored.
template <typename Kind>
Kind decoded_frame(const std::string &frame) {
  std::uint32_t bytes = 0;
  REQUIRE(frame.size() > sizeof bytes);
  std::memcpy(&bytes, frame.data(), sizeof bytes);
  REQUIRE(frame.size() == bytes + sizeof bytes);
  const std::string body = frame.substr(sizeof bytes);
  const auto message = wire::decode(body);
  REQUIRE(message.has_value());
  REQUIRE(std::holds_alternative<Kind>(*message));
  return std::get<Kind>(*message);
}

std::string slots() {
  const wire::TaskNames names{{0x01020304, 0x050607080900ull}, {0x11121314, 0x151617181900ull}};
  segment::RingSlot contains = wire::slot_of(wire::ToRaylet::kContains);
  contains.count = 2;
  wire::put_name(&contains, 0, names.spec);
  wire::put_name(&contains, 3, names.result);
  wire::put_name(&contains, 6, {7, 8});
  segment::RingSlot rows = wire::slot_of(wire::Grant::kRows);
  rows.words[0] = 3;
  wire::put_wide(&rows, 1, 0x2122232425262728ull);
  const segment::RingSlot all[] = {wire::task_slot(wire::ToRaylet::kSubmit, names),
                                   wire::task_slot(wire::ToRaylet::kDone, names),
                                   wire::task_slot(wire::Offer::kTask, names),
                                   wire::request_slot({17, 32, 0x3132333435363738ull, 99}),
                                   wire::slot_of(wire::ToRaylet::kHints),
                                   wire::slot_of(wire::ToRaylet::kWithdraw),
                                   wire::slot_of(wire::ToRaylet::kRows),
                                   wire::slot_of(wire::ToRaylet::kBlocked),
                                   wire::slot_of(wire::ToRaylet::kUnblocked),
                                   wire::slot_of(wire::ToRaylet::kReturn),
                                   wire::slot_of(wire::Grant::kEntries),
                                   wire::slot_of(wire::Grant::kRefused),
                                   contains,
                                   rows};
  return text_of(std::as_bytes(std::span(all)));
}

TEST_SUITE("golden/messages") {
  TEST_CASE("ring slots are packed as they were, byte by byte") {
    const std::string now = slots();
    const std::string before = golden::stored("ring_slots_v1.bin", now);
    REQUIRE(now.size() == before.size());
    for (std::size_t slot = 0; slot < now.size(); slot += sizeof(segment::RingSlot)) {
      CAPTURE(slot / sizeof(segment::RingSlot));
      CHECK((now.substr(slot, sizeof(segment::RingSlot)) == before.substr(slot, sizeof(segment::RingSlot))));
    }
  }

  TEST_CASE("a stored spec means what it meant") {
    const auto bytes = bytes_of(golden::stored("task_spec_v1.bin", encoded_spec()));
    const auto spec = tasks::decode_spec(bytes);
    REQUIRE(spec.has_value());
    CHECK(spec->function == 0x0123456789abcdefull);
    CHECK(spec->retries == 3);
    CHECK(spec->site == 0);
    REQUIRE(spec->arguments.size() == 2);
    CHECK(spec->arguments[0].reference == refs::ObjectName{21, 22});
    CHECK(spec->arguments[1].reference.entry == segment::kNoEntry);
    CHECK(spec->arguments[1].value.format == format_of(Element::kF64));
    CHECK(std::string(reinterpret_cast<const char *>(spec->arguments[1].value.data), spec->arguments[1].value.size) ==
          "golden value");
    REQUIRE(spec->arguments[1].contained.size() == 2);
    CHECK(spec->arguments[1].contained[0] == refs::ObjectName{11, 12});
    CHECK(spec->arguments[1].contained[1] == refs::ObjectName{13, (1ull << 48) - 1});
  }

  TEST_CASE("a stored task error means what it meant") {
    const auto now = tasks::encode_error(sample_error());
    const auto error = tasks::decode_error(bytes_of(golden::stored("task_error_v1.bin", text_of(now))));
    REQUIRE(error.has_value());
    const Error expected = sample_error();
    CHECK(static_cast<std::uint32_t>(error->code) == 2);
    CHECK(error->message == expected.message);
    CHECK(error->function == expected.function);
    CHECK(error->type == expected.type);
    CHECK(error->pid == expected.pid);
    CHECK(error->signal == expected.signal);
  }

  TEST_CASE("a stored hello means what it meant") {
    const auto hello = decoded_frame<wire::Hello>(golden::stored("control_hello_v1.bin", wire::encode(sample_hello())));
    const wire::Hello expected = sample_hello();
    CHECK(hello.layout_version == expected.layout_version);
    CHECK(hello.layout_fingerprint == expected.layout_fingerprint);
    CHECK(hello.role == expected.role);
    CHECK(hello.template_number == expected.template_number);
    CHECK(hello.functions == expected.functions);
    CHECK(hello.arguments == expected.arguments);
    CHECK(hello.token == expected.token);
  }

  TEST_CASE("a stored welcome, status and deletion mean what they meant") {
    const auto welcome = decoded_frame<wire::Welcome>(
        golden::stored("control_welcome_v1.bin", wire::encode(wire::Welcome{7, 99, "golden"})));
    CHECK(welcome.client_id == 7);
    CHECK(welcome.raylet_pid == 99);
    CHECK(welcome.session == "golden");
    const auto status = decoded_frame<wire::StatusReply>(
        golden::stored("control_status_v1.bin", wire::encode(wire::StatusReply{R"({"workers":2})"})));
    CHECK(status.json == R"({"workers":2})");
    const auto request = decoded_frame<wire::DeleteRequest>(
        golden::stored("control_delete_v1.bin", wire::encode(wire::DeleteRequest{5, 1ull << 47})));
    CHECK(request.entry == 5);
    CHECK(request.generation == 1ull << 47);
  }

  TEST_CASE("the codes that bindings and stored errors use keep their numbers") {
    const Code codes[] = {Code::kOk,
                          Code::kTimeout,
                          Code::kTaskFailed,
                          Code::kWorkerDied,
                          Code::kStoreFull,
                          Code::kTooLarge,
                          Code::kObjectLost,
                          Code::kFunctionNotFound,
                          Code::kNotInitialized,
                          Code::kRayletDied,
                          Code::kInvalidArgument,
                          Code::kOwnerDied,
                          Code::kLimitReached,
                          Code::kActorDied,
                          Code::kActorUnavailable,
                          Code::kCancelled,
                          Code::kDeadlineOver,
                          Code::kOutOfMemory,
                          Code::kUnschedulable,
                          Code::kDeadlock};
    for (std::size_t i = 0; i < std::size(codes); ++i) CHECK(static_cast<std::size_t>(codes[i]) == i);
    CHECK(format_of(Encoding::kMsgpack) == 0);
    CHECK(format_of(Encoding::kString) == 1);
    CHECK(format_of(Element::kI8) == 0x102);
    CHECK(format_of(Element::kF64) == 0xa02);
    CHECK(format_of_raw(24) == 0x1803);
  }
}

}  // namespace
}  // namespace mobula
