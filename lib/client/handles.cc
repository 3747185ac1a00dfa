// The handle types of mobula/runtime.h.
#include "client/current.h"
#include "client/session.h"

namespace mobula {

using client::current_session;
using client::not_initialized;
using client::Session;

Reference::Reference(const Reference &other) noexcept : session_(other.session_), row_(other.row_) {
  if (row_ != nullptr) session_->copy_handle(*row_);
}

Reference &Reference::operator=(const Reference &other) noexcept {
  Reference copy(other);
  return *this = std::move(copy);
}

void Reference::drop() noexcept { session_->drop_handle(*row_); }

Reference Reference::from_id(std::string_view id) {
  Session *const session = current_session();
  return session == nullptr ? Reference() : session->take(id);
}

std::string Reference::id() const { return row_ == nullptr ? std::string() : session_->id_of(*this); }

Weak::Weak(const Weak &other) : session_(other.session_), entry_(other.entry_), generation_(other.generation_) {
  if (session_ != nullptr) session_->copy_weak({entry_, generation_});
}

Weak::Weak(Weak &&other) noexcept
    : session_(std::exchange(other.session_, nullptr)), entry_(other.entry_), generation_(other.generation_) {}

Weak &Weak::operator=(Weak other) noexcept {
  std::swap(session_, other.session_);
  std::swap(entry_, other.entry_);
  std::swap(generation_, other.generation_);
  return *this;
}

Weak::~Weak() {
  if (session_ != nullptr) session_->drop_weak({entry_, generation_});
}

Status Weak::of(const Reference &reference, Weak *weak) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->hold_weakly(reference, weak);
}

Status Weak::of_id(std::string_view id, Weak *weak) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->hold_weakly(id, weak);
}

Status Weak::lock(Reference *reference) const {
  *reference = Reference();
  if (session_ == nullptr) return nullptr;
  if (Status status = session_->lock({entry_, generation_}, reference)) return status;
  if (reference->empty()) client::tell_evictions();
  return nullptr;
}

std::string Weak::id() const { return session_ == nullptr ? std::string() : session_->id_of({entry_, generation_}); }

Draft::Draft(Draft &&other) noexcept { *this = std::move(other); }

Draft &Draft::operator=(Draft &&other) noexcept {
  if (this == &other) return *this;
  if (row_ != nullptr) session_->abort(*this);
  session_ = std::exchange(other.session_, nullptr);
  row_ = std::exchange(other.row_, nullptr);
  data_ = std::exchange(other.data_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  format_ = std::exchange(other.format_, 0);
  return *this;
}

Draft::~Draft() {
  if (row_ != nullptr) session_->abort(*this);
}

}  // namespace mobula
