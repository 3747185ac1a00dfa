// ray/api/pack_buffer.h: the bytes of one value while it is packed.
//   Threads    one buffer belongs to one thread; it lives on the stack of the call that packs
//   Errors     std::bad_alloc
//   Cost       values up to kInlineBytes need no heap
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

namespace ray {
namespace internal {

class PackBuffer {
 public:
  static constexpr std::size_t kInlineBytes = 256;

  PackBuffer() noexcept {}  // leaves inline_ untouched: zeroing it would cost more than packing an int
  PackBuffer(const PackBuffer &) = delete;
  PackBuffer &operator=(const PackBuffer &) = delete;
  ~PackBuffer() {
    if (data_ != inline_) std::free(data_);
  }

  // Appends. The name and types are what msgpack::packer calls.
  void write(const char *bytes, std::size_t count) {
    if (count > capacity_ - size_) grow(count);
    std::memcpy(data_ + size_, bytes, count);
    size_ += count;
  }
  const char *data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  void grow(std::size_t count) {
    std::size_t wanted = size_ + count;
    std::size_t capacity = capacity_ * 2 > wanted ? capacity_ * 2 : wanted;
    // realloc moves large blocks by remapping pages instead of copying them.
    void *grown = std::realloc(data_ == inline_ ? nullptr : data_, capacity);
    if (grown == nullptr) throw std::bad_alloc();
    if (data_ == inline_) std::memcpy(grown, inline_, size_);
    data_ = static_cast<char *>(grown);
    capacity_ = capacity;
  }

  char *data_ = inline_;
  std::size_t size_ = 0;
  std::size_t capacity_ = kInlineBytes;
  char inline_[kInlineBytes];
};

}  // namespace internal
}  // namespace ray
