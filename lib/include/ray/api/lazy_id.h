// ray/api/lazy_id.h: an ObjectID as text, made when somebody asks for it.
//   Threads    get() may be called by several threads at once; the rest like any value type
//   Ownership  owns the text; references to it stay valid until the owner is assigned to or destroyed
//   Cost       nothing until asked. An object whose ID was never told to anybody can be recycled without the raylet
#pragma once

#include <atomic>
#include <string>
#include <utility>

namespace ray {
namespace internal {

class LazyId {
 public:
  LazyId() noexcept = default;
  explicit LazyId(std::string id) : text_(new std::string(std::move(id))) {}
  LazyId(const LazyId &other) : text_(other.copy()) {}
  LazyId(LazyId &&other) noexcept : text_(other.text_.exchange(nullptr)) {}
  LazyId &operator=(LazyId other) noexcept {
    other.text_.store(text_.exchange(other.text_.load()));
    return *this;
  }
  ~LazyId() { delete text_.load(std::memory_order_relaxed); }

  // The text; made by `make` the first time.
  template <typename Make>
  const std::string &get(Make make) const {
    // acquire: whoever made the text has finished writing it.
    std::string *text = text_.load(std::memory_order_acquire);
    if (text != nullptr) return *text;
    auto *made = new std::string(make());
    if (text_.compare_exchange_strong(text, made, std::memory_order_acq_rel)) return *made;
    delete made;  // another thread was first
    return *text;
  }

 private:
  std::string *copy() const {
    const std::string *const text = text_.load(std::memory_order_acquire);
    return text == nullptr ? nullptr : new std::string(*text);
  }

  mutable std::atomic<std::string *> text_{nullptr};
};

}  // namespace internal
}  // namespace ray
