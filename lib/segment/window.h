// segment/window.h: the writable mapping of the data region, opened chunk by chunk.
//   Threads    thread-safe; opening a chunk twice is harmless
//   Process    what is open in one process is its own affair; a process that writes no object has nothing open
//   Errors     base::Fault when the kernel refuses
//   Cost       of an open chunk: one load. Of a closed one: one system call, once in the life of the mapping
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace mobula::segment {

// A chunk may hold blocks of other processes as well: the window bounds what a stray store can hit, it is no wall
// around each object. Nothing is closed again: that would cost every object a system call and a flush of the TLB.
class Window {
 public:
  static constexpr std::uint64_t kChunkBytesMin = 2ull << 20;
  static constexpr std::uint64_t kChunksMax = 4096;  // each may cost a mapping, of which the kernel allows some 65,000

  // Closes all of [begin, begin + bytes), which is mapped writable. Called once, before any other.
  void close(std::byte *begin, std::uint64_t bytes);

  // REQUIRES: [offset, offset + bytes) lies inside the window.
  void open(std::uint64_t offset, std::uint64_t bytes) {
    const std::uint64_t last = offset + (bytes == 0 ? 0 : bytes - 1);
    for (std::uint64_t chunk = offset >> chunk_shift_; chunk <= last >> chunk_shift_; ++chunk) {
      // acquire: whoever set it has opened the chunk.
      if (is_open_[chunk].load(std::memory_order_acquire) == 0) return open_chunks(chunk, last >> chunk_shift_);
    }
  }
  std::uint64_t chunk_bytes() const { return 1ull << chunk_shift_; }

 private:
  void open_chunks(std::uint64_t first, std::uint64_t last);

  std::byte *begin_ = nullptr;
  std::uint64_t bytes_ = 0;
  std::uint32_t chunk_shift_ = 0;
  std::unique_ptr<std::atomic<std::uint8_t>[]> is_open_;
};

}  // namespace mobula::segment
