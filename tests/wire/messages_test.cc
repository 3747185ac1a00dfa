#include "wire/messages.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"

namespace mobula::wire {
namespace {

// A copy of its own, exactly as large as the body and aligned as both readers of frames have it.
std::vector<char> body_of(const std::string &frame) { return {frame.begin() + kFrameHeaderBytes, frame.end()}; }

template <typename Kind>
Kind round_trip(const Kind &message) {
  const std::string frame = encode(message);
  std::uint32_t bytes = 0;
  std::memcpy(&bytes, frame.data(), sizeof bytes);
  REQUIRE(frame.size() == bytes + kFrameHeaderBytes);
  const std::optional<Message> decoded = decode(body_of(frame));
  REQUIRE(decoded.has_value());
  REQUIRE(std::holds_alternative<Kind>(*decoded));
  return std::get<Kind>(*decoded);
}

Hello sample_hello() {
  Hello hello;
  hello.layout_version = 1;
  hello.layout_fingerprint = 0xdeadbeef;
  hello.role = Role::kWorker;
  hello.template_number = 12;
  hello.functions = {"add", "", "a name with ü"};
  hello.arguments = {"./prog", "--flag"};
  hello.token = ~0ull;
  return hello;
}

std::vector<Message> samples() {
  return {sample_hello(),
          Hello{},
          Welcome{7, 99, "s"},
          Refused{"why not"},
          StartWorkers{3},
          WorkerForked{9},
          WorkersFailed{2, "no"},
          StatusRequest{},
          StatusReply{"{}"},
          StopRequest{},
          StopReply{"bye"},
          HoldersRequest{},
          HoldersReply{"a"},
          DeleteRequest{5, 1ull << 47},
          DeleteReply{true, "gone"},
          PinRequest{5, 1ull << 47, true},
          PinReply{true, "pinned"},
          CancelRequest{5, 1ull << 47, true},
          CancelReply{10, "no"},
          GroupsRequest{"{}"},
          GroupsReply{10, "no", "[]"}};
}

TEST_SUITE("wire/messages") {
  TEST_CASE("a hello comes back as it was sent") {
    const Hello hello = round_trip(sample_hello());
    CHECK(hello.layout_version == 1);
    CHECK(hello.layout_fingerprint == 0xdeadbeef);
    CHECK(hello.role == Role::kWorker);
    CHECK(hello.template_number == 12);
    CHECK(hello.functions == std::vector<std::string>{"add", "", "a name with ü"});
    CHECK(hello.arguments == std::vector<std::string>{"./prog", "--flag"});
    CHECK(hello.token == ~0ull);
  }

  TEST_CASE("every other message comes back as it was sent") {
    const Welcome welcome = round_trip(Welcome{4095, -1, "night shift"});
    CHECK(welcome.client_id == 4095);
    CHECK(welcome.raylet_pid == -1);
    CHECK(welcome.session == "night shift");
    CHECK(round_trip(Refused{"why not"}).message == "why not");
    CHECK(round_trip(StartWorkers{17}).count == 17);
    CHECK(round_trip(WorkerForked{123456}).pid == 123456);
    const WorkersFailed failed = round_trip(WorkersFailed{2, "fork: no memory"});
    CHECK(failed.count == 2);
    CHECK(failed.message == "fork: no memory");
    round_trip(StatusRequest{});
    CHECK(round_trip(StatusReply{R"({"a":1})"}).json == R"({"a":1})");
    round_trip(StopRequest{});
    CHECK(round_trip(StopReply{""}).message.empty());
    round_trip(HoldersRequest{});
    CHECK(round_trip(HoldersReply{std::string("zero\0inside", 11)}).message == std::string("zero\0inside", 11));
    const DeleteRequest request = round_trip(DeleteRequest{5, (1ull << 48) - 1});
    CHECK(request.entry == 5);
    CHECK(request.generation == (1ull << 48) - 1);
    for (const bool deleted : {true, false}) {
      const DeleteReply reply = round_trip(DeleteReply{deleted, "held by pid 3"});
      CHECK(reply.deleted == deleted);
      CHECK(reply.message == "held by pid 3");
    }
  }

  TEST_CASE("a message that no frame can hold is our own mistake, the largest one that fits passes") {
    CHECK_THROWS_AS(encode(StatusReply{std::string(base::kFrameBytesMax, 'x')}), base::Fault);
    const std::string large(base::kFrameBytesMax - 1024, 'x');
    CHECK(round_trip(StatusReply{large}).json == large);
  }

  TEST_CASE("a program with thousands of functions can say hello") {
    Hello hello;
    for (int i = 0; i < 5000; ++i) hello.functions.push_back("function_number_" + std::to_string(i));
    CHECK(round_trip(hello).functions == hello.functions);
  }

  TEST_CASE("nothing, and what is no message, is refused") {
    CHECK_FALSE(decode({}).has_value());
    CHECK_FALSE(decode(std::vector<char>(64, '\0')).has_value());
    CHECK_FALSE(decode(std::vector<char>(64, '\xff')).has_value());
  }

  TEST_CASE("a message cut short never crashes the reader") {
    for (const Message &message : samples()) {
      const std::vector<char> whole = body_of(encode(message));
      CHECK(decode(whole).has_value());
      for (std::size_t size = 0; size < whole.size(); ++size) {
        static_cast<void>(decode(std::vector<char>(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))));
      }
      CHECK_FALSE(decode(std::span(whole).first(whole.size() / 2)).has_value());
    }
  }

  TEST_CASE("damaged messages never crash the reader") {
    const std::vector<Message> all = samples();
    std::mt19937 random(4242);
    std::uint32_t refused = 0;
    for (std::uint32_t round = 0; round < 20'000; ++round) {
      std::vector<char> body = body_of(encode(all[round % all.size()]));
      const auto flips = 1 + random() % 4;
      for (std::uint32_t flip = 0; flip < flips; ++flip) {
        body[random() % body.size()] ^= static_cast<char>(1u << random() % 8);
      }
      if (round % 4 == 0) body.resize(random() % body.size());
      refused += decode(body).has_value() ? 0 : 1;
    }
    CHECK(refused > 1000);
    CHECK(refused < 20'000);
  }
}

}  // namespace
}  // namespace mobula::wire
