// Names, weak references, retention on request, and asking for the eviction and mark passes.
#include <fmt/format.h>

#include "base/crash_points.h"
#include "client/session.h"
#include "objects/victims.h"
#include "refs/names.h"
#include "refs/object_id.h"

namespace mobula::client {

// --- retention -------------------------------------------------------------------------------------------------------

Status Session::retain(const Reference &reference, bool retained) {
  if (Status status = own(reference)) return status;
  refs::References::share(*reference.row_);
  // Published while the caller owns a handle: whoever finds the object without holders finds this, too (rule 36).
  const auto change = retained ? wire::Retention::kRetain : wire::Retention::kUnretain;
  const bool is_sent = outbox_->send(wire::retain_slot(name_of(reference), change), Outbox::Urgency::kWhenConvenient);
  base::crash_point(base::CrashPoint::kRetainSent);
  return is_sent ? nullptr : usable();
}

Status Session::evict(std::uint64_t bytes, runtime::Freed *freed) {
  wire::EvictReply reply;
  if (Status status = ask(wire::EvictRequest{bytes}, &reply)) return status;
  *freed = {reply.objects, reply.bytes};
  return nullptr;
}

Status Session::collect_cycles(runtime::Freed *freed) {
  wire::CollectReply reply;
  if (Status status = ask(wire::CollectRequest{}, &reply)) return status;
  *freed = {reply.objects, reply.bytes};
  return nullptr;
}

std::uint64_t Session::read_evictions(std::uint64_t *read, std::vector<runtime::Eviction> *evictions) const {
  if (!is_live()) return 0;
  std::vector<objects::EvictedObject> victims;
  const std::uint64_t missed = objects::read_victims(*segment_, read, &victims);
  for (const objects::EvictedObject &victim : victims) {
    evictions->push_back({refs::encode_id(segment_->header().epoch, victim.name), victim.bytes,
                          has(victim.retained, segment::Retained::kNamed),
                          has(victim.retained, segment::Retained::kWeak),
                          has(victim.retained, segment::Retained::kAsked)});
  }
  return missed;
}

std::uint64_t Session::evictions_so_far() const { return is_live() ? objects::evictions_so_far(*segment_) : 0; }

// --- names -----------------------------------------------------------------------------------------------------------

Status Session::publish(std::string_view name, const Reference &reference, bool replace) {
  if (Status status = own(reference)) return status;
  const std::string problem = refs::problem_of(name);
  if (!problem.empty()) return base::failure(Code::kInvalidArgument, "publish: " + problem);
  refs::References::share(*reference.row_);
  const refs::ObjectName object = name_of(reference);
  wire::PublishReply reply;
  if (Status status = ask(wire::PublishRequest{std::string(name), object.entry, object.generation, replace}, &reply)) {
    return status;
  }
  const auto code = static_cast<Code>(reply.code);
  return code == Code::kOk ? nullptr : base::failure(code, reply.message);
}

Status Session::unpublish(std::string_view name, bool *done) {
  *done = false;
  if (!refs::problem_of(name).empty()) return usable();
  wire::UnpublishReply reply;
  if (Status status = ask(wire::UnpublishRequest{std::string(name)}, &reply)) return status;
  *done = reply.done;
  return nullptr;
}

void Session::count_look_up(bool hit) {
  segment::ClientSlot &slot = segment_->client(client_id_);
  (hit ? slot.hits : slot.misses).fetch_add(1, std::memory_order_relaxed);
}

Status Session::take_if_there(refs::ObjectName name, Reference *reference) {
  segment::Row *row = nullptr;
  Status status = take_name(name, &row);
  if (status == nullptr) *reference = Reference(this, row);
  return status == nullptr || status->code == Code::kObjectLost ? nullptr : std::move(status);
}

// The name is read, its object taken, the name looked at again: it may stand for another one by now (rule 37).
Status Session::lookup(std::string_view name, Reference *reference) {
  *reference = Reference();
  if (Status status = usable()) return status;
  for (;;) {
    const std::optional<refs::FoundName> found = refs::find_name(*segment_, name);
    base::crash_point(base::CrashPoint::kNameFound);
    Reference taken;
    if (found) {
      if (Status status = take_if_there(found->object, &taken)) return status;
    }
    // What was taken had the name at a moment of this call. What is gone may have had it no more.
    if (found && taken.empty() && !refs::is_current(*segment_, *found)) continue;
    count_look_up(!taken.empty());
    *reference = std::move(taken);
    return nullptr;
  }
}

// --- weak references -------------------------------------------------------------------------------------------------

Status Session::hold_weakly(const Reference &reference, Weak *weak) {
  if (Status status = own(reference)) return status;
  refs::References::share(*reference.row_);
  return hold_weakly(name_of(reference), weak);
}

Status Session::hold_weakly(refs::ObjectName name, Weak *weak) {
  if (!weak_names_->add(name)) {
    return base::failure(Code::kLimitReached,
                         fmt::format("this process holds its limit of {} objects weakly", base::kWeakNamesMax));
  }
  Weak made;
  made.session_ = this;
  made.entry_ = name.entry;
  made.generation_ = name.generation;
  *weak = std::move(made);
  return nullptr;
}

Status Session::hold_weakly(std::string_view id, Weak *weak) {
  if (Status status = usable()) return status;
  const std::optional<refs::ObjectName> name = refs::decode_id(segment_->header().epoch, id);
  if (!name || name->entry >= segment_->entries_reserved()) {
    return base::failure(Code::kObjectLost, "no object of this session has that id");
  }
  return hold_weakly(*name, weak);
}

void Session::copy_weak(refs::ObjectName name) {
  if (is_live()) weak_names_->add(name);
}

void Session::drop_weak(refs::ObjectName name) noexcept {
  if (is_live()) weak_names_->remove(name);
}

Status Session::lock(refs::ObjectName name, Reference *reference) {
  *reference = Reference();
  if (!is_live()) return nullptr;
  if (Status status = usable()) return status;
  if (Status status = take_if_there(name, reference)) return status;
  count_look_up(!reference->empty());
  return nullptr;
}

std::string Session::id_of(refs::ObjectName name) const {
  return is_live() ? refs::encode_id(segment_->header().epoch, name) : std::string();
}

}  // namespace mobula::client
