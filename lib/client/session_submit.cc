// Submitting tasks: steps S1..S7 of docs/reference-rules.md.
#include <fmt/format.h>

#include <cstring>

#include "base/crash_points.h"
#include "client/session.h"
#include "tasks/task_spec.h"

namespace mobula::client {
namespace {

// Then the spec needs no words about them.
bool is_default(const runtime::TaskOptions &options) {
  return !options.retry_exceptions && options.deadline_ms < 0 && options.name.empty() && options.resources.empty() &&
         options.placement_group.empty() && options.bundle < 0 && options.runtime_env.empty();
}

}  // namespace

// S1: the result exists, PENDING, before anybody is told of the task; its submitter holds it.
Status Session::pending_result(Reference *result) {
  segment::Row *row = nullptr;
  if (Status status = begin_entry(0, refs::State::kPending, &row)) return status;
  refs::References::share(*row);
  // The worker that settles it leaves the site as it is.
  segment_->entry(refs::References::entry_of(*row)).site = row->site = references_->site();
  references_->log_made(segment::Event::kCreate, refs::References::name_of(*row));
  *result = Reference(this, row);
  return nullptr;
}

Status Session::spec_object(const Submission &submission, Reference *spec) {
  static thread_local std::vector<tasks::ArgumentToEncode> encoded;
  static thread_local std::vector<std::vector<refs::ObjectName>> contained;
  encoded.clear();
  contained.clear();
  for (const runtime::Argument &argument : submission.arguments) {
    tasks::ArgumentToEncode to_encode;
    to_encode.format = argument.format;
    if (argument.reference != nullptr) {
      if (Status status = own(*argument.reference)) return status;
      refs::References::share(*argument.reference->row_);
      to_encode.reference = name_of(*argument.reference);
    } else {
      to_encode.value = {static_cast<const std::byte *>(argument.data), argument.bytes};
      if (argument.contained_count > 0) {
        contained.push_back(shared_names({argument.contained, argument.contained_count}));
        to_encode.contained = contained.back();
      }
    }
    encoded.push_back(to_encode);
  }
  tasks::SpecToEncode more;
  if (!is_default(submission.options)) more.options = &submission.options;
  more.creation = submission.creation;
  more.instance_offset = submission.instance_offset;
  if (submission.actor != nullptr) {
    if (Status status = own(*submission.actor)) return status;
    refs::References::share(*submission.actor->row_);
    more.actor = name_of(*submission.actor);
  }
  const std::span<const std::byte> bytes =
      tasks::encode_spec(submission.function, submission.options.retries, encoded, more);
  if (bytes.size() > base::kSpecBytesMax) {
    return base::failure(
        Code::kInvalidArgument,
        fmt::format("the task's arguments take {} bytes by value, the limit is {}: Put large ones and pass "
                    "their references",
                    bytes.size(), base::kSpecBytesMax));
  }
  Draft draft;
  if (Status status = create(bytes.size(), 0, segment::Kind::kSpec, &draft)) return status;
  std::memcpy(draft.data(), bytes.data(), bytes.size());
  return seal(std::move(draft), {}, spec);
}

Status Session::submit(const Submission &submission, Outbox::Urgency urgency, Reference *result) {
  if (Status status = usable()) return status;
  if (submission.arguments.size() > base::kArgumentsMax) {
    return base::failure(Code::kInvalidArgument, fmt::format("a task takes at most {} arguments, {} were given",
                                                             base::kArgumentsMax, submission.arguments.size()));
  }
  Reference spec;
  Reference pending;
  if (Status status = spec_object(submission, &spec)) return status;
  if (Status status = pending_result(&pending)) return status;
  base::crash_point(base::CrashPoint::kSubmitPending);
  refs::References::share(*spec.row_);
  const segment::RingSlot slot = wire::task_slot(wire::ToRaylet::kSubmit, {name_of(spec), name_of(pending)});
  if (!outbox_->send(slot, urgency)) {  // S2..S6
    return base::failure(Code::kRayletDied,
                         "the raylet of this session has died or was stopped: the task was not submitted");
  }
  // S7: dropped like any other handle. The raylet frees it after the task; a hint is needed only if it has not taken
  // the spec over yet, or has dropped it already. seq_cst: our bit is cleared before we look at its count, and the
  // raylet looks at the bits after it has lowered the count.
  base::crash_point(base::CrashPoint::kSubmitSent);
  std::uint32_t entry = 0;
  references_->release_shared(*std::exchange(spec.row_, nullptr), &entry);
  if (segment_->entry(entry).raylet_refs.load(std::memory_order_seq_cst) == 0) outbox_->hint(entry, 0);
  *result = std::move(pending);
  return nullptr;
}

// --- actors ----------------------------------------------------------------------------------------------------------

Status Session::find_actor(std::string_view name, std::string_view name_space, Reference *actor) {
  wire::FindActorReply reply;
  if (Status status = ask(wire::FindActorRequest{std::string(name), std::string(name_space)}, &reply)) return status;
  return reply.found ? take_if_there({reply.entry, reply.generation}, actor) : nullptr;
}

Status Session::kill_actor(const Reference &actor, bool no_restart) {
  if (Status status = own(actor)) return status;
  refs::References::share(*actor.row_);
  segment::RingSlot slot = wire::slot_of(wire::ToRaylet::kKillActor);
  slot.count = no_restart ? 1 : 0;
  wire::put_name(&slot, 0, name_of(actor));
  if (outbox_->send(slot, Outbox::Urgency::kNow)) return nullptr;
  return base::failure(Code::kRayletDied, "the raylet of this session has died or was stopped");
}

Status Session::job_namespace(std::string *name_space) {
  wire::NamespaceReply reply;
  if (Status status = ask(wire::NamespaceRequest{}, &reply)) return status;
  *name_space = reply.name_space;
  return nullptr;
}

}  // namespace mobula::client
