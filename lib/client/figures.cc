// The figures of this process's session.
#include "objects/figures.h"

#include "client/current.h"

namespace mobula::client {

Status Session::ref_count(const Reference &reference, runtime::RefCount *count) const {
  if (Status status = own(reference)) return status;
  const std::optional<runtime::RefCount> found = objects::count_references(*segment_, name_of(reference));
  // Only a raylet that broke its rules frees what the caller holds.
  if (!found) return base::failure(Code::kObjectLost, "the object is gone");
  *count = *found;
  return nullptr;
}

Status Session::store_stats(runtime::StoreStats *stats) const {
  if (Status status = usable()) return status;
  *stats = objects::read_store_stats(*segment_);
  return nullptr;
}

}  // namespace mobula::client

namespace mobula::runtime {

using client::not_initialized;

Status ref_count(const Reference &reference, RefCount *count) {
  const client::Session *const session = client::current_session();
  return session == nullptr ? not_initialized() : session->ref_count(reference, count);
}

Status store_stats(StoreStats *stats) {
  const client::Session *const session = client::current_session();
  return session == nullptr ? not_initialized() : session->store_stats(stats);
}

}  // namespace mobula::runtime
