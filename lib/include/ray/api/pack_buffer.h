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

// Three uses. Unlimited: keeps what is written. Limited: a value that goes beyond the limit by a long write for which
// there is no room is only measured from there on, and then packed once more, straight into memory of its size; one of
// many short pieces is kept, as it costs more to pack those twice than to copy them. Over given memory: writes there
// and nowhere else.
class PackBuffer {
 public:
  static constexpr std::size_t kInlineBytes = 256;
  // Up to here, and for pieces shorter than that, a copy costs less than to pack twice.
  static constexpr std::size_t kKeptBytesMax = 64 * 1024;
  static constexpr std::size_t kLongWriteBytes = 4096;

  PackBuffer() noexcept {}  // leaves inline_ untouched: zeroing it would cost more than packing an int
  explicit PackBuffer(std::size_t kept_bytes_max) noexcept : kept_bytes_max_(kept_bytes_max) {}
  PackBuffer(void *memory, std::size_t bytes) noexcept
      : data_(static_cast<char *>(memory)), capacity_(bytes), kept_bytes_max_(0), owns_(false) {}
  PackBuffer(const PackBuffer &) = delete;
  PackBuffer &operator=(const PackBuffer &) = delete;
  ~PackBuffer() { release(); }

  // Appends. The name and types are what msgpack::packer calls.
  void write(const char *bytes, std::size_t count) {
    if (count > capacity_ - kept_ && !make_room(count)) {
      dropped_ += count;
      return;
    }
    std::memcpy(data_ + kept_, bytes, count);
    kept_ += count;
  }
  // The bytes written. REQUIRES: is_whole().
  const char *data() const noexcept { return data_; }
  // All that was written, kept or not.
  std::size_t size() const noexcept { return kept_ + dropped_; }
  // False when the value was beyond the limit: then only its size is known.
  bool is_whole() const noexcept { return dropped_ == 0; }

 private:
  void release() noexcept {
    if (owns_ && data_ != inline_) std::free(data_);
  }

  // False: this and all that follows is only counted.
  bool make_room(std::size_t count) {
    const bool is_beyond = kept_ > kept_bytes_max_ || count > kept_bytes_max_ - kept_;
    if (!owns_ || dropped_ != 0 || (is_beyond && count >= kLongWriteBytes)) {
      capacity_ = kept_;
      return false;
    }
    const std::size_t wanted = kept_ + count;
    const std::size_t capacity = capacity_ * 2 > wanted ? capacity_ * 2 : wanted;
    // realloc moves large blocks by remapping pages instead of copying them.
    void *grown = std::realloc(data_ == inline_ ? nullptr : data_, capacity);
    if (grown == nullptr) throw std::bad_alloc();
    if (data_ == inline_) std::memcpy(grown, inline_, kept_);
    data_ = static_cast<char *>(grown);
    capacity_ = capacity;
    return true;
  }

  char *data_ = inline_;
  std::size_t kept_ = 0;
  std::size_t dropped_ = 0;
  std::size_t capacity_ = kInlineBytes;
  std::size_t kept_bytes_max_ = static_cast<std::size_t>(-1);
  bool owns_ = true;
  char inline_[kInlineBytes];
};

}  // namespace internal
}  // namespace ray
