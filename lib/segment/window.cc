#include "segment/window.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace mobula::segment {

void Window::close(std::byte *begin, std::uint64_t bytes) {
  begin_ = begin;
  bytes_ = bytes;
  const std::uint64_t share = (bytes + kChunksMax - 1) / kChunksMax;
  chunk_shift_ = static_cast<std::uint32_t>(std::countr_zero(std::bit_ceil(std::max(share, kChunkBytesMin))));
  is_open_.reset(new std::atomic<std::uint8_t>[(bytes >> chunk_shift_) + 1]());
  if (mprotect(begin, bytes, PROT_NONE) != 0) base::throw_errno("mprotect of the writable mapping");
}

void Window::open_chunks(std::uint64_t first, std::uint64_t last) {
  const std::uint64_t begin = first << chunk_shift_;
  const std::uint64_t end = std::min((last + 1) << chunk_shift_, bytes_);
  if (mprotect(begin_ + begin, end - begin, PROT_READ | PROT_WRITE) != 0) {
    base::throw_errno("mprotect of the writable mapping");
  }
  for (std::uint64_t chunk = first; chunk <= last; ++chunk) is_open_[chunk].store(1, std::memory_order_release);
}

}  // namespace mobula::segment
