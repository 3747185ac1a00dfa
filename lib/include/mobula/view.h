// mobula/view.h: objects read where they lie.
//   Layout     one handle, a pointer into the segment, a count; values of up to kHeaderValueBytesMax are copied into
//              the View itself, because the pages of the headers are writable
//   Threads    like a std::shared_ptr: one View object belongs to one thread at a time, copies are free of each other
//   Process    the memory is mapped read-only: who writes through a View gets SIGSEGV, and nobody else notices. A child
//              made by fork() has no mapping: a View is of no use there
//   Ownership  a View is a handle of the object: it may outlive the reference it was made from, and the task that got
//              it. Pointers, iterators, spans and texts of a View are good as long as that View itself: small values
//              lie inside it. After Shutdown it reads as zeros
//   Errors     the exceptions of ray/api/exceptions.h; RayException when the object is of another type, size or format
//   Cost       view of a settled object: as a copy of a reference, whatever the object's size; no byte is copied
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mobula/not_on_ray.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/format_text.h"
#include "ray/api/object_ref.h"
#include "ray/api/stored_form.h"

namespace mobula {

// T is the type of the object: std::string, std::vector of numbers, bytes or trivially copyable structs, or one such
// struct. With C++20 a View converts to std::span of const elements, being a contiguous range.
template <typename T>
class View {
  using Form = ray::internal::StoredForm<T>;
  static_assert(Form::kIsRaw,
                "mobula::View: only strings, vectors of numbers, bytes or trivially copyable structs, and such structs "
                "lie in the store as they are in memory; Get this type instead");

 public:
  using Item = typename Form::Item;
  using value_type = Item;
  using const_iterator = const Item *;
  static_assert(alignof(Item) <= 64, "mobula::View: blocks are aligned to 64 bytes, this type needs more");

  // Looks at nothing.
  View() noexcept : items_(inside()), count_(0) {}
  // REQUIRES: the bytes are those of the object that `reference` names.
  View(Reference reference, const Bytes &bytes) : reference_(std::move(reference)) {
    check(bytes);
    count_ = bytes.size / sizeof(Item);
    if (bytes.size <= kHeaderValueBytesMax) {
      if (bytes.size != 0) std::memcpy(small_, bytes.data, bytes.size);
      items_ = inside();
    } else {
      items_ = reinterpret_cast<const Item *>(bytes.data);
    }
  }
  View(const View &other) : reference_(other.reference_) { look_as(other); }
  View(View &&other) noexcept : reference_(std::move(other.reference_)) {
    look_as(other);
    other.forget();
  }
  View &operator=(const View &other) { return *this = View(other); }
  View &operator=(View &&other) noexcept {
    if (this == &other) return *this;
    reference_ = std::move(other.reference_);
    look_as(other);
    other.forget();
    return *this;
  }
  ~View() = default;

  const Item *data() const noexcept { return items_; }
  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  const Item &operator[](std::size_t index) const noexcept { return items_[index]; }
  const Item *begin() const noexcept { return items_; }
  const Item *end() const noexcept { return items_ + count_; }

  // Of a struct. REQUIRES: not empty.
  const Item &operator*() const noexcept {
    static_assert(!Form::kIsArray, "mobula::View: only a view of one struct is dereferenced");
    return *items_;
  }
  const Item *operator->() const noexcept {
    static_assert(!Form::kIsArray, "mobula::View: only a view of one struct is dereferenced");
    return items_;
  }
  // Of a string.
  std::string_view text() const noexcept {
    static_assert(std::is_same_v<Item, char>, "mobula::View: only a view of characters is text");
    return {items_, count_};
  }
  template <typename Text = Item, std::enable_if_t<std::is_same_v<Text, char>, int> = 0>
  operator std::string_view() const noexcept {
    return text();
  }

  // The handle that this View is.
  const Reference &reference() const noexcept { return reference_; }
  // One more handle.
  ray::ObjectRef<T> object() const { return ray::ObjectRef<T>(reference_); }

 private:
  const Item *inside() const noexcept { return std::launder(reinterpret_cast<const Item *>(small_)); }

  void look_as(const View &other) noexcept {
    count_ = other.count_;
    items_ = other.items_;
    if (other.items_ != other.inside()) return;
    std::memcpy(small_, other.small_, count_ * sizeof(Item));
    items_ = inside();
  }
  void forget() noexcept {
    items_ = inside();
    count_ = 0;
  }

  void check(const Bytes &bytes) const {
    constexpr bool kIsCharacters = ray::internal::are_characters(Form::kFormat);
    const bool is_format =
        bytes.format == Form::kFormat || (kIsCharacters && ray::internal::are_characters(bytes.format));
    const bool is_size = Form::kIsArray ? bytes.size % sizeof(Item) == 0 : bytes.size == sizeof(Item);
    // Small ones are copied to where they are aligned.
    const bool is_aligned =
        bytes.size <= kHeaderValueBytesMax || reinterpret_cast<std::uintptr_t>(bytes.data) % alignof(Item) == 0;
    if (is_format && is_size && is_aligned) return;
    throw ray::internal::RayException(
        "Type mismatch: the object is " + ray::internal::format_text(bytes.format) + ", " + std::to_string(bytes.size) +
        " bytes" + (is_aligned ? "" : ", unaligned") + "; a view of " + ray::internal::format_text(Form::kFormat) +
        (Form::kIsArray ? "" : ", " + std::to_string(sizeof(Item)) + " bytes,") + " was asked for");
  }

  Reference reference_;
  const Item *items_;
  std::size_t count_;
  alignas(alignof(Item) > 16 ? alignof(Item) : 16) std::byte small_[kHeaderValueBytesMax];
};

// Waits for the object and looks at it; timeout_ms < 0 = for ever.
template <typename T>
View<T> view(const ray::ObjectRef<T> &object, std::int64_t timeout_ms = -1) {
  const Bytes bytes = ray::internal::wait_for_bytes(object.reference(), timeout_ms);
  return View<T>(object.reference(), bytes);
}

}  // namespace mobula
