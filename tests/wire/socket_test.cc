#include "wire/socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

namespace mobula::wire {
namespace {

struct Pair {
  Pair() {
    int ends[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    near = base::File(ends[0]);
    far = base::File(ends[1]);
  }
  void send_raw(const std::string &bytes) const {
    REQUIRE(::send(far.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  base::File near;
  base::File far;
};

// XDG_RUNTIME_DIR points to a folder of its own while this lives.
struct RuntimeFolder {
  RuntimeFolder() {
    const char *const before = std::getenv("XDG_RUNTIME_DIR");
    if (before != nullptr) saved = before;
    char name[] = "/tmp/wire-test-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
    setenv("XDG_RUNTIME_DIR", name, 1);
  }
  ~RuntimeFolder() {
    std::filesystem::remove_all(path);
    if (saved.empty())
      unsetenv("XDG_RUNTIME_DIR");
    else
      setenv("XDG_RUNTIME_DIR", saved.c_str(), 1);
  }
  std::string path;
  std::string saved;
};

bool says(const Status &status, const std::string &part) {
  return status != nullptr && status->message.find(part) != std::string::npos;
}

TEST_SUITE("wire/socket") {
  TEST_CASE("a message arrives with the descriptors beside it") {
    const Pair pair;
    const base::File null(open("/dev/null", O_RDWR | O_CLOEXEC));
    REQUIRE(send(pair.far.get(), Welcome{3, 4, "s"}, {null.get(), null.get()}) == nullptr);
    Message message;
    std::vector<base::File> descriptors;
    REQUIRE(receive(pair.near.get(), &message, &descriptors) == nullptr);
    REQUIRE(std::holds_alternative<Welcome>(message));
    CHECK(std::get<Welcome>(message).client_id == 3);
    REQUIRE(descriptors.size() == 2);
    for (const base::File &file : descriptors) {
      CHECK(file.get() != null.get());
      CHECK((fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
  }

  TEST_CASE("messages come in order, also a large one in many pieces") {
    const Pair pair;
    const std::string large(900'000, 'y');
    std::thread sender([&] {
      static_cast<void>(send(pair.far.get(), StatusReply{large}));
      static_cast<void>(send(pair.far.get(), StopRequest{}));
    });
    Message first;
    Message second;
    CHECK(receive(pair.near.get(), &first) == nullptr);
    CHECK(receive(pair.near.get(), &second) == nullptr);
    sender.join();
    CHECK(std::get<StatusReply>(first).json == large);
    CHECK(std::holds_alternative<StopRequest>(second));
  }

  TEST_CASE("the end of the stream, also inside a frame, is the raylet's death") {
    for (const std::string &sent : {std::string(), std::string("\x10", 1), encode(StopReply{"bye"}).substr(0, 12)}) {
      Pair pair;
      pair.send_raw(sent);
      pair.far.reset();
      Message message;
      const Status status = receive(pair.near.get(), &message);
      REQUIRE(status != nullptr);
      CHECK(status->code == Code::kRayletDied);
    }
    Pair pair;
    pair.far.reset();
    const Status status = send(pair.near.get(), StopRequest{});
    REQUIRE(status != nullptr);
    CHECK(status->code == Code::kRayletDied);
  }

  TEST_CASE("a frame longer than the limit is refused by its length alone") {
    const Pair pair;
    const std::uint32_t bytes = base::kFrameBytesMax + 1;
    std::string frame(sizeof bytes, '\0');
    std::memcpy(frame.data(), &bytes, sizeof bytes);
    pair.send_raw(frame);
    Message message;
    const Status status = receive(pair.near.get(), &message);
    REQUIRE(status != nullptr);
    CHECK(status->code == Code::kInvalidArgument);
    CHECK(says(status, std::to_string(bytes)));
    CHECK(says(status, std::to_string(base::kFrameBytesMax)));
  }

  TEST_CASE("bytes that are no message are refused") {
    const Pair pair;
    pair.send_raw(std::string("\x04\0\0\0junk", 8));
    Message message;
    CHECK(says(receive(pair.near.get(), &message), "does not verify"));
  }

  TEST_CASE("asking gives the reply, a refusal's words, or that the answer is of another kind") {
    const Pair pair;
    REQUIRE(send(pair.far.get(), StopReply{"stopping"}) == nullptr);
    REQUIRE(send(pair.far.get(), Refused{"not you"}) == nullptr);
    REQUIRE(send(pair.far.get(), StopRequest{}) == nullptr);
    StopReply reply;
    CHECK(ask(pair.near.get(), StopRequest{}, &reply) == nullptr);
    CHECK(reply.message == "stopping");
    CHECK(says(ask(pair.near.get(), StopRequest{}, &reply), "not you"));
    CHECK(says(ask(pair.near.get(), StopRequest{}, &reply), "another kind"));
  }

  TEST_CASE("a session lies in a private folder of the user") {
    const RuntimeFolder runtime;
    std::string folder;
    REQUIRE(session_folder("night-shift_2.b", &folder) == nullptr);
    CHECK(folder == runtime.path + "/mobula/night-shift_2.b");
    struct stat facts {};
    REQUIRE(stat((runtime.path + "/mobula").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0700);
    CHECK(socket_path("/x") == "/x/raylet.sock");
    REQUIRE(chmod((runtime.path + "/mobula").c_str(), 0755) == 0);
    CHECK(says(session_folder("a", &folder), "0700"));
  }

  TEST_CASE("a name that could leave the folder is no session name") {
    const RuntimeFolder runtime;
    std::string folder;
    for (const std::string &name :
         {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a b"),
          std::string(".hidden"), std::string("a\nb"), std::string(65, 'a')}) {
      CAPTURE(name);
      CHECK(says(session_folder(name, &folder), "not a session name"));
    }
    CHECK(session_folder(std::string(64, 'a'), &folder) == nullptr);
  }

  TEST_CASE("where nobody listens the message says how to start a session") {
    const RuntimeFolder runtime;
    base::File socket;
    const Status status = connect_to("quiet", &socket);
    CHECK(says(status, "quiet"));
    CHECK(says(status, "mobula start"));
    CHECK(says(connect_to_path(std::string(200, 'p'), &socket), "XDG_RUNTIME_DIR"));
  }
}

}  // namespace
}  // namespace mobula::wire
