// mobula/weak.h: references that find their object or nothing.
//   Threads    distinct WeakRefs may be used by distinct threads; one WeakRef is like one std::weak_ptr
//   Process    weak references end with their process; inside a value a WeakRef travels as its ID, and the process that
//              unpacks it holds the object weakly, too
//   Ownership  an object that nobody refers to stays while somebody holds it weakly, until the eviction pass needs its
//              space (mobula/retention.h)
//   Errors     the exceptions of ray/api/exceptions.h: RayException when this process holds 1,048,576 objects weakly
//   Cost       lock: that of taking a handle, without a system call. An object's first and last weak reference of a
//              process: one message to the raylet, which may have to wait for room in the ring, as a submission may
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "mobula/not_on_ray.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/msgpack.h"
#include "ray/api/object_ref.h"

namespace mobula {

template <typename T>
class WeakRef {
 public:
  WeakRef() = default;
  explicit WeakRef(const ray::ObjectRef<T> &object) {
    ray::internal::throw_unless_ok(Weak::of(object.reference(), &weak_));
  }

  // A counted reference of the object, which nobody frees while there is one; nothing when it was evicted.
  std::optional<ray::ObjectRef<T>> lock() const {
    Reference reference;
    ray::internal::throw_unless_ok(weak_.lock(&reference));
    if (reference.empty()) return std::nullopt;
    return ray::ObjectRef<T>(std::move(reference));
  }
  // The ObjectID, 15 raw bytes; "" when the WeakRef is empty or the session is over.
  std::string ID() const { return weak_.id(); }

  template <typename Packer>
  void msgpack_pack(Packer &packer) const {
    packer.pack(ID());
  }
  void msgpack_unpack(const msgpack::object &object) {
    const std::string id = object.as<std::string>();
    weak_ = Weak();
    if (!id.empty()) ray::internal::throw_unless_ok(Weak::of_id(id, &weak_));
  }

 private:
  Weak weak_;
};

}  // namespace mobula
