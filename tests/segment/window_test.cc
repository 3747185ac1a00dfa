#include "segment/window.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/child.h"

namespace mobula::segment {
namespace {

// Shared memory of its own, closed by a Window.
struct World {
  explicit World(std::uint64_t size) : bytes(size) {
    void *const address =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(address != MAP_FAILED);
    begin = static_cast<std::byte *>(address);
    window.close(begin, size);
  }
  ~World() { munmap(begin, bytes); }

  // The signal that ends a process which writes there.
  int signal_of_write(std::uint64_t offset) const {
    support::Child child([&] {
      signal(SIGSEGV, SIG_DFL);
      const rlimit none{0, 0};
      setrlimit(RLIMIT_CORE, &none);
      *const_cast<volatile std::byte *>(begin + offset) = std::byte{1};
    });
    return child.wait().signal;
  }
  // Mappings of this process that lie inside.
  std::size_t mappings() const {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) {
      const std::uint64_t from = std::stoull(line, nullptr, 16);
      const auto base = reinterpret_cast<std::uint64_t>(begin);
      count += from >= base && from < base + bytes;
    }
    return count;
  }

  std::uint64_t bytes;
  std::byte *begin = nullptr;
  Window window;
};

constexpr std::uint64_t kChunk = Window::kChunkBytesMin;

TEST_SUITE("segment/window") {
  TEST_CASE("nothing can be written before it is opened, and then its chunk only") {
    World world(8 * kChunk);
    CHECK(world.signal_of_write(0) == SIGSEGV);
    CHECK(world.signal_of_write(3 * kChunk) == SIGSEGV);
    world.window.open(3 * kChunk + 64, 100);
    CHECK(world.signal_of_write(3 * kChunk) == 0);
    CHECK(world.signal_of_write(4 * kChunk - 1) == 0);
    CHECK(world.signal_of_write(3 * kChunk - 1) == SIGSEGV);
    CHECK(world.signal_of_write(4 * kChunk) == SIGSEGV);
  }

  TEST_CASE("a block across chunks opens all of them, also those behind one that was open") {
    World world(8 * kChunk);
    world.window.open(2 * kChunk, 1);
    world.window.open(2 * kChunk - 1, 2 * kChunk + 2);
    for (std::uint64_t chunk = 1; chunk <= 4; ++chunk) CHECK(world.signal_of_write(chunk * kChunk) == 0);
    CHECK(world.signal_of_write(0) == SIGSEGV);
    CHECK(world.signal_of_write(5 * kChunk) == SIGSEGV);
    world.window.open(0, 8 * kChunk);
    CHECK(world.mappings() == 1);
  }

  TEST_CASE("the last chunk ends with the window") {
    World world(kChunk + 3 * 4096);
    world.window.open(kChunk + 2 * 4096, 4096);
    CHECK(world.signal_of_write(kChunk + 3 * 4096 - 1) == 0);
    world.window.open(kChunk, 0);
  }

  TEST_CASE("a large window has larger chunks, so that the mappings stay few") {
    World world(64ull << 30);
    CHECK(world.window.chunk_bytes() == (64ull << 30) / Window::kChunksMax);
    for (std::uint64_t offset = 0; offset < world.bytes; offset += 2 * world.window.chunk_bytes()) {
      world.window.open(offset, 1);
    }
    CHECK(world.mappings() <= Window::kChunksMax);
  }

  TEST_CASE("threads that open the same chunks at once all find them open") {
    World world(64 * kChunk);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (std::uint64_t chunk = 0; chunk < 64; ++chunk) {
          world.window.open(chunk * kChunk, 8);
          world.begin[chunk * kChunk + static_cast<std::uint64_t>(64)] = std::byte{1};
        }
      });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(world.signal_of_write(0) == 0);
  }
}

}  // namespace
}  // namespace mobula::segment
