// mobula/draft.h: objects written where they will lie.
//   Layout     a Draft over the object's block; up to kHeaderValueBytesMax bytes are written on the heap and copied by
//              seal, so that an overrun of a small draft meets no header
//   Threads    a draft belongs to one thread at a time
//   Process    what others see of it is nothing until seal. The pages stay writable for this process afterwards: a
//              pointer kept from before the seal can still write, so keep none
//   Ownership  move-only; dropping it gives the room back. seal makes the reference
//   Errors     the exceptions of ray/api/exceptions.h; use after seal does not compile (clang: -Wconsumed)
//   Cost       create: as Put of that size without the copy; seal of a large one: no copy
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "mobula/not_on_ray.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/object_ref.h"
#include "ray/api/objects.h"
#include "ray/api/stored_form.h"

// clang follows the life of a draft: a use after seal is a warning of -Wconsumed.
#if defined(__clang__)
#define MOBULA_CONSUMABLE __attribute__((consumable(unconsumed)))
#define MOBULA_UNSEALED __attribute__((callable_when("unconsumed")))
#define MOBULA_SEALS __attribute__((callable_when("unconsumed"), set_typestate(consumed)))
#define MOBULA_OPENS __attribute__((return_typestate(unconsumed)))
#else
#define MOBULA_CONSUMABLE
#define MOBULA_UNSEALED
#define MOBULA_SEALS
#define MOBULA_OPENS
#endif

namespace mobula {

// T is the type of the finished object, as for mobula::View.
template <typename T>
class MOBULA_CONSUMABLE DraftOf {
  using Form = ray::internal::StoredForm<T>;
  static_assert(Form::kIsRaw,
                "mobula::DraftOf: only strings, vectors of numbers, bytes or trivially copyable structs, and such "
                "structs lie in the store as they are in memory; Put this type instead");

 public:
  using Item = typename Form::Item;
  using value_type = Item;
  static_assert(alignof(Item) <= 64, "mobula::DraftOf: blocks are aligned to 64 bytes, this type needs more");

  // Room for `count` items, whose values are not set: whatever was there before.
  MOBULA_OPENS explicit DraftOf(std::size_t count, const CallSite &site = CallSite::here()) : site_(site) {
    const runtime::AtCallSite at(site_);
    if (count > SIZE_MAX / sizeof(Item)) throw std::bad_alloc();
    const std::size_t bytes = count * sizeof(Item);
    if (bytes <= kHeaderValueBytesMax) {
      small_.reset(new Small);
      items_ = reinterpret_cast<Item *>(small_->bytes);
    } else {
      ray::internal::throw_unless_ok(runtime::create(bytes, Form::kFormat, &draft_));
      items_ = reinterpret_cast<Item *>(draft_.data());
    }
    count_ = count;
  }
  DraftOf(DraftOf &&other) noexcept
      : draft_(std::move(other.draft_)),
        small_(std::move(other.small_)),
        items_(std::exchange(other.items_, nullptr)),
        count_(std::exchange(other.count_, 0)),
        site_(other.site_) {}
  DraftOf &operator=(DraftOf &&other) noexcept {
    draft_ = std::move(other.draft_);
    small_ = std::move(other.small_);
    items_ = std::exchange(other.items_, nullptr);
    count_ = std::exchange(other.count_, 0);
    site_ = other.site_;
    return *this;
  }
  DraftOf(const DraftOf &) = delete;
  DraftOf &operator=(const DraftOf &) = delete;
  ~DraftOf() = default;

  Item *data() noexcept MOBULA_UNSEALED { return items_; }
  std::size_t size() const noexcept MOBULA_UNSEALED { return count_; }
  Item &operator[](std::size_t index) noexcept MOBULA_UNSEALED { return items_[index]; }
  Item *begin() noexcept MOBULA_UNSEALED { return items_; }
  Item *end() noexcept MOBULA_UNSEALED { return items_ + count_; }
  // Of one struct.
  Item &operator*() noexcept MOBULA_UNSEALED {
    static_assert(!Form::kIsArray, "mobula::DraftOf: only a draft of one struct is dereferenced");
    return *items_;
  }
  Item *operator->() noexcept MOBULA_UNSEALED {
    static_assert(!Form::kIsArray, "mobula::DraftOf: only a draft of one struct is dereferenced");
    return items_;
  }

  // Makes it an object that all may read and nobody may write: std::move(draft).seal().
  ray::ObjectRef<T> seal() && MOBULA_SEALS {
    check_open();
    const runtime::AtCallSite at(site_);
    if (small_ != nullptr) {
      ray::internal::throw_unless_ok(runtime::create(bytes(), Form::kFormat, &draft_));
      if (bytes() != 0) std::memcpy(draft_.data(), static_cast<const void *>(small_->bytes), bytes());
      small_.reset();
    }
    forget();
    return ray::ObjectRef<T>(ray::internal::seal(std::move(draft_), nullptr, 0));
  }

  // Makes it the result of the task that runs; for the library.
  Status become_result(Call &call) {
    check_open();
    const std::size_t size = bytes();
    forget();
    if (small_ == nullptr) return call.set_result(std::move(draft_), nullptr, 0);
    const std::unique_ptr<Small> small = std::move(small_);
    return call.set_result(small->bytes, size, Form::kFormat, nullptr, 0);
  }

 private:
  struct Small {
    alignas(alignof(Item) > 16 ? alignof(Item) : 16) std::byte bytes[kHeaderValueBytesMax];
  };

  std::size_t bytes() const noexcept { return count_ * sizeof(Item); }
  void check_open() const {
    if (items_ == nullptr) throw ray::internal::RayException("The draft is sealed, or was moved from");
  }
  void forget() noexcept {
    items_ = nullptr;
    count_ = 0;
  }

  Draft draft_;
  std::unique_ptr<Small> small_;
  Item *items_ = nullptr;
  std::size_t count_ = 0;
  CallSite site_;
};

namespace drafts {

// What create<T>(count) makes: characters become a string, other items a vector.
template <typename T, bool = ray::internal::StoredForm<T>::kIsRaw &&ray::internal::StoredForm<std::vector<T>>::kIsRaw>
struct Several {
  using Type = T;  // a string or a vector itself
};
template <typename T>
struct Several<T, true> {
  using Type = std::vector<T>;  // of structs
};
template <typename T>
using SeveralOf = typename Several<std::conditional_t<
    std::is_same_v<T, char>, std::string,
    std::conditional_t<std::is_arithmetic_v<T> || std::is_same_v<T, std::byte>, std::vector<T>, T>>>::Type;

}  // namespace drafts

// Room for `count` items: create<double>(n) and create<std::vector<double>>(n) draft a vector of n numbers,
// create<char>(n) and create<std::string>(n) a string of n characters, create<Struct>(n) a vector of n structs. Waits
// for space when the store is full, as Put does.
template <typename T>
DraftOf<drafts::SeveralOf<T>> create(std::size_t count, const CallSite &site = CallSite::here()) MOBULA_OPENS;
template <typename T>
DraftOf<drafts::SeveralOf<T>> create(std::size_t count, const CallSite &site) {
  return DraftOf<drafts::SeveralOf<T>>(count, site);
}

// Room for one struct.
template <typename T>
DraftOf<T> create(const CallSite &site = CallSite::here()) MOBULA_OPENS;
template <typename T>
DraftOf<T> create(const CallSite &site) {
  static_assert(!ray::internal::StoredForm<T>::kIsArray, "mobula::create: how many items? create<T>(count)");
  return DraftOf<T>(1, site);
}

}  // namespace mobula
