#include "raylet/metrics_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "raylet/raylet_world.h"

namespace mobula::raylet {
namespace {

constexpr int kTurnsMax = 10'000;

// A server, and peers that are played by the test; the loop runs only when the test says so.
struct ServerWorld : RayletWorld {
  ServerWorld() {
    base::File listener;
    REQUIRE(listen_for_metrics(0, &listener, &port) == nullptr);
    server.emplace(loop, std::move(listener), *segment, [this](metrics::SessionFigures figures) {
      ++pages;
      return "objects " + std::to_string(figures.store.objects) + "\n";
    });
  }

  base::File connect() {
    base::File peer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(peer.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address);
    run();
    return peer;
  }
  // Until nothing happens any more.
  void run() {
    for (int turns = 0; turns < kTurnsMax; ++turns) {
      const bool scrapes = server->step();
      if (loop.poll() == 0 && !scrapes) return;
      loop.restart();
    }
    FAIL("the loop never rests");
  }
  void say(const base::File &peer, std::string_view text) {
    static_cast<void>(!send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL));
    run();
  }
  // What has come, and whether the server has closed its side.
  static std::string hear(const base::File &peer, bool *closed = nullptr) {
    std::string text;
    std::array<char, 4096> buffer;
    ssize_t got = 0;
    while ((got = recv(peer.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
      text.append(buffer.data(), static_cast<std::size_t>(got));
    if (closed != nullptr) *closed = got == 0 || errno == ECONNRESET;
    return text;
  }
  static bool is_closed(const base::File &peer) {
    bool closed = false;
    hear(peer, &closed);
    return closed;
  }

  asio::io_context loop{1};
  std::uint16_t port = 0;
  int pages = 0;
  std::optional<MetricsServer> server;
};

constexpr std::string_view kRequest = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_SUITE("raylet/metrics_server") {
  TEST_CASE("who asks gets the page, and then the end") {
    ServerWorld world;
    const auto anna = world.attach();
    anna->put(world.grant_one(*anna));
    const base::File peer = world.connect();
    world.say(peer, kRequest);
    bool closed = false;
    const std::string answer = ServerWorld::hear(peer, &closed);
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(answer.ends_with("\r\n\r\nobjects 1\n"));
    CHECK(closed);
  }

  TEST_CASE("a request that comes in pieces is the same") {
    ServerWorld world;
    const base::File peer = world.connect();
    for (const char letter : kRequest) world.say(peer, std::string_view(&letter, 1));
    CHECK(ServerWorld::hear(peer).starts_with("HTTP/1.1 200 OK\r\n"));
  }

  TEST_CASE("other requests are refused without a look at the segment") {
    ServerWorld world;
    for (const auto &[request, status] :
         {std::pair{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
          std::pair{"PUT /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "}, std::pair{"hello\r\n\r\n", "HTTP/1.1 400 "}}) {
      const base::File peer = world.connect();
      world.say(peer, request);
      CHECK(ServerWorld::hear(peer).starts_with(status));
    }
    const base::File peer = world.connect();
    world.say(peer, std::string(kRequestBytesMax, 'x'));
    CHECK(ServerWorld::hear(peer).starts_with("HTTP/1.1 431 "));
    CHECK(world.pages == 0);
  }

  TEST_CASE("many who ask at once share one look at the segment") {
    ServerWorld world;
    std::vector<base::File> peers;
    for (std::size_t i = 0; i < kPeersMax; ++i) peers.push_back(world.connect());
    for (const base::File &peer : peers) static_cast<void>(!send(peer.get(), kRequest.data(), kRequest.size(), 0));
    world.run();
    for (const base::File &peer : peers) CHECK(ServerWorld::hear(peer).starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(world.pages < static_cast<int>(kPeersMax));
  }

  TEST_CASE("one more than there is room for ends the oldest, and is served") {
    ServerWorld world;
    std::vector<base::File> slow;
    for (std::size_t i = 0; i < kPeersMax; ++i) slow.push_back(world.connect());
    CHECK_FALSE(ServerWorld::is_closed(slow[0]));
    const base::File peer = world.connect();
    CHECK(ServerWorld::is_closed(slow[0]));
    CHECK_FALSE(ServerWorld::is_closed(slow[1]));
    world.say(peer, kRequest);
    CHECK(ServerWorld::hear(peer).starts_with("HTTP/1.1 200 OK\r\n"));
  }

  TEST_CASE("who never stops sending is cut off, and one that goes away leaves nothing") {
    ServerWorld world;
    const base::File endless = world.connect();
    world.say(endless, kRequest);
    const std::string more(4096, 'x');
    int sent = 0;
    while (sent < 100 && send(endless.get(), more.data(), more.size(), MSG_NOSIGNAL) > 0) {
      ++sent;
      world.run();
    }
    CHECK(sent < 100);
    base::File leaving = world.connect();
    world.say(leaving, "GET /met");
    leaving.reset();
    world.run();
    const base::File peer = world.connect();
    world.say(peer, kRequest);
    CHECK(ServerWorld::hear(peer).starts_with("HTTP/1.1 200 OK\r\n"));
  }

  TEST_CASE("a port that is taken is refused in words") {
    base::File first;
    base::File second;
    std::uint16_t port = 0;
    REQUIRE(listen_for_metrics(0, &first, &port) == nullptr);
    CHECK(port != 0);
    const Status status = listen_for_metrics(port, &second, &port);
    REQUIRE(status != nullptr);
    CHECK(status->message.find("127.0.0.1:" + std::to_string(port)) != std::string::npos);
  }
}

}  // namespace mobula::raylet
