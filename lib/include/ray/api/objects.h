// ray/api/objects.h: Put, Get and Wait.
//   Threads    every function may be called by any thread
//   Errors     the exceptions of ray/api/exceptions.h; timeouts are RayTimeoutException, also for several objects
//   Cost       Put: one copy into the store. Get: one copy out. No system call while nothing has to be waited for
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/object_ref.h"
#include "ray/api/pack_buffer.h"
#include "ray/api/serializer.h"
#include "ray/api/stored_form.h"
#include "ray/api/wait_result.h"

namespace ray {
namespace internal {

// A draft of what `value` was encoded as, written but not sealed.
template <typename T>
mobula::Draft write_draft(const T &value, const Encoded &encoded, const mobula::CallSite *site = nullptr) {
  mobula::Draft draft;
  throw_unless_ok(mobula::runtime::create(encoded.size, encoded.format, &draft, site));
  if (encoded.size == 0) return draft;
  if constexpr (!StoredForm<T>::kIsChosen) {
    if (encoded.data == nullptr) {
      pack_into(value, draft.data(), encoded.size);
      return draft;
    }
  }
  std::memcpy(draft.data(), encoded.data, encoded.size);
  return draft;
}

inline mobula::Reference seal(mobula::Draft &&draft, const mobula::Reference *contained, std::size_t contained_count) {
  mobula::Reference reference;
  throw_unless_ok(mobula::runtime::seal(std::move(draft), contained, contained_count, &reference));
  return reference;
}

// Makes an object of the value.
template <typename T>
mobula::Reference store(const T &value, const mobula::CallSite *site = nullptr) {
  PackBuffer buffer(PackBuffer::kKeptBytesMax);
  if constexpr (kMayContainReferences<T>) {
    mobula::runtime::Collector collector;
    const Encoded encoded = encode(value, buffer);
    return seal(write_draft(value, encoded, site), collector.data(), collector.size());
  } else {
    return seal(write_draft(value, encode(value, buffer), site), nullptr, 0);
  }
}

// The same, raw if it can be, also where Put packs it by msgpack.
template <typename T>
mobula::Reference store_raw(const T &value, const mobula::CallSite *site = nullptr) {
  if constexpr (StoredForm<T>::kIsRaw) {
    return seal(write_draft(value, encode_raw(value), site), nullptr, 0);
  } else {
    return store(value, site);
  }
}

template <typename T>
std::vector<const mobula::Reference *> list_references(const std::vector<ObjectRef<T>> &objects) {
  std::vector<const mobula::Reference *> references;
  references.reserve(objects.size());
  for (const ObjectRef<T> &object : objects) references.push_back(&object.reference());
  return references;
}

}  // namespace internal

// Copies `object` into the store.
template <typename T>
ObjectRef<T> Put(const T &object, const mobula::CallSite &site = mobula::CallSite::here()) {
  return ObjectRef<T>(internal::store(object, &site));
}

// Waits for the object and returns a copy of its value; timeout_ms -1 = for ever.
template <typename T>
std::shared_ptr<T> Get(const ObjectRef<T> &object, const mobula::CallSite &site = mobula::CallSite::here()) {
  return object.Get(-1, site);
}
template <typename T>
std::shared_ptr<T> Get(const ObjectRef<T> &object, const int &timeout_ms,
                       const mobula::CallSite &site = mobula::CallSite::here()) {
  return object.Get(timeout_ms, site);
}

// Waits for all of them, in their order; the first error in that order throws. One time limit for all together.
template <typename T>
std::vector<std::shared_ptr<T>> Get(const std::vector<ObjectRef<T>> &objects, const int &timeout_ms,
                                    const mobula::CallSite &site = mobula::CallSite::here()) {
  const mobula::runtime::AtCallSite at(site);
  const std::vector<const mobula::Reference *> references = internal::list_references(objects);
  std::vector<mobula::Bytes> bytes(objects.size());
  internal::throw_unless_ok(mobula::runtime::get_all(references.data(), references.size(), timeout_ms, bytes.data()));
  std::vector<std::shared_ptr<T>> values;
  values.reserve(bytes.size());
  for (const mobula::Bytes &one : bytes) values.push_back(std::make_shared<T>(internal::decode<T>(one)));
  return values;
}
template <typename T>
std::vector<std::shared_ptr<T>> Get(const std::vector<ObjectRef<T>> &objects,
                                    const mobula::CallSite &site = mobula::CallSite::here()) {
  return Get<T>(objects, -1, site);
}

// The same by ObjectID.
template <typename T>
std::vector<std::shared_ptr<T>> Get(const std::vector<std::string> &ids, const int &timeout_ms,
                                    const mobula::CallSite &site = mobula::CallSite::here()) {
  const mobula::runtime::AtCallSite at(site);
  return Get<T>(std::vector<ObjectRef<T>>(ids.begin(), ids.end()), timeout_ms, site);
}
template <typename T>
std::vector<std::shared_ptr<T>> Get(const std::vector<std::string> &ids,
                                    const mobula::CallSite &site = mobula::CallSite::here()) {
  return Get<T>(ids, -1, site);
}

// Their ObjectIDs, in their order.
template <typename T>
std::vector<std::string> ObjectRefsToObjectIDs(const std::vector<ObjectRef<T>> &object_refs) {
  std::vector<std::string> ids;
  ids.reserve(object_refs.size());
  for (const ObjectRef<T> &object : object_refs) ids.push_back(object.ID());
  return ids;
}

// Waits until num_objects of them are settled or the time is over; timeout_ms -1 = for ever. At most num_objects are
// called ready, the first ones in order. A failed object is ready. REQUIRES: 0 < num_objects <= objects.size().
template <typename T>
WaitResult<T> Wait(const std::vector<ObjectRef<T>> &objects, int num_objects, int timeout_ms) {
  if (num_objects <= 0 || static_cast<std::size_t>(num_objects) > objects.size()) {
    throw internal::RayException("Wait object error: asked for " + std::to_string(num_objects) + " of " +
                                 std::to_string(objects.size()) + " objects");
  }
  const std::vector<const mobula::Reference *> references = internal::list_references(objects);
  const std::unique_ptr<bool[]> settled(new bool[objects.size()]());
  internal::throw_unless_ok(mobula::runtime::wait(references.data(), references.size(),
                                                  static_cast<std::size_t>(num_objects), timeout_ms, settled.get()));
  WaitResult<T> result;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const bool ready = settled[i] && result.ready.size() < static_cast<std::size_t>(num_objects);
    (ready ? result.ready : result.unready).push_back(objects[i]);
  }
  return result;
}

}  // namespace ray
