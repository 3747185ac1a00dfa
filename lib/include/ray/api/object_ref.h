// ray/api/object_ref.h: a counted handle of an object of type T.
//   Threads    distinct handles may be used by distinct threads; one handle is like one std::shared_ptr
//   Ownership  the object lives at least as long as any handle; a handle may outlive Shutdown, then it names nothing
//   Errors     Get throws the exceptions of ray/api/exceptions.h
//   Cost       copy: one uncontended increment, no heap
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/lazy_id.h"
#include "ray/api/msgpack.h"
#include "ray/api/serializer.h"

namespace ray {
namespace internal {

// Waits for the object; timeout_ms < 0 = for ever.
inline mobula::Bytes wait_for_bytes(const mobula::Reference &reference, std::int64_t timeout_ms,
                                    const mobula::CallSite *site = nullptr) {
  mobula::Bytes bytes;
  throw_unless_ok(mobula::runtime::get(reference, timeout_ms, &bytes, site));
  return bytes;
}

// Waits for the object, and copies its value.
template <typename T>
T wait_for_value(const mobula::Reference &reference, std::int64_t timeout_ms, const mobula::CallSite &site) {
  if constexpr (kMayContainReferences<T>) {
    const mobula::runtime::AtCallSite at(site);  // handles that the value contains are taken here
    return decode<T>(wait_for_bytes(reference, timeout_ms));
  } else {
    return decode<T>(wait_for_bytes(reference, timeout_ms, &site));
  }
}

// What the handles of every type have in common.
class ObjectRefBase {
 public:
  ObjectRefBase() = default;
  explicit ObjectRefBase(mobula::Reference reference) : reference_(std::move(reference)) {}
  // Takes a handle by ID. When the object is gone the ID stays readable and Get throws.
  explicit ObjectRefBase(std::string id) : reference_(mobula::Reference::from_id(id)), id_(std::move(id)) {}

  // The ObjectID, 15 raw bytes; "" when the handle is empty.
  const std::string &ID() const {
    return id_.get([this] { return reference_.id(); });
  }
  const mobula::Reference &reference() const { return reference_; }

  // Inside a value a handle travels as its ID; the value then keeps the object alive.
  template <typename Packer>
  void msgpack_pack(Packer &packer) const {
    packer.pack(ID());
    if (!reference_.empty()) mobula::runtime::note_contained(reference_);
  }
  void msgpack_unpack(const msgpack::object &object) {
    std::string id = object.as<std::string>();
    *this = id.empty() ? ObjectRefBase() : ObjectRefBase(std::move(id));
  }

 protected:
  bool same_id(const ObjectRefBase &other) const { return ID() == other.ID(); }

 private:
  mobula::Reference reference_;
  LazyId id_;
};

}  // namespace internal

template <typename T>
class ObjectRef : public internal::ObjectRefBase {
 public:
  ObjectRef() = default;
  ObjectRef(const std::string &id) : ObjectRefBase(id) {}
  explicit ObjectRef(mobula::Reference reference) : ObjectRefBase(std::move(reference)) {}

  bool operator==(const ObjectRef<T> &other) const { return same_id(other); }
  static bool IsObjectRef() { return true; }

  // Waits for the object and returns a copy of its value.
  std::shared_ptr<T> Get(const mobula::CallSite &site = mobula::CallSite::here()) const { return Get(-1, site); }
  // Waits at most timeout_ms, then throws RayTimeoutException; -1 = for ever.
  std::shared_ptr<T> Get(const int &timeout_ms, const mobula::CallSite &site = mobula::CallSite::here()) const {
    return std::make_shared<T>(internal::wait_for_value<T>(reference(), timeout_ms, site));
  }
};

// The result of a function that returns nothing.
template <>
class ObjectRef<void> : public internal::ObjectRefBase {
 public:
  ObjectRef() = default;
  ObjectRef(const std::string &id) : ObjectRefBase(id) {}
  explicit ObjectRef(mobula::Reference reference) : ObjectRefBase(std::move(reference)) {}

  bool operator==(const ObjectRef<void> &other) const { return same_id(other); }
  static bool IsObjectRef() { return true; }

  // Waits until the function has returned.
  void Get() const { Get(-1); }
  // Waits at most timeout_ms, then throws RayTimeoutException; -1 = for ever.
  void Get(const int &timeout_ms) const { internal::wait_for_bytes(reference(), timeout_ms); }
};

namespace internal {

template <typename T>
inline constexpr bool kIsObjectRef = false;
template <typename T>
inline constexpr bool kIsObjectRef<ObjectRef<T>> = true;

}  // namespace internal
}  // namespace ray
