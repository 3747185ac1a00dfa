// Waiting for objects and reading what they became.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "client/functions.h"
#include "client/session.h"
#include "refs/waiters.h"
#include "tasks/task_spec.h"

namespace mobula::client {
namespace {

constexpr std::size_t kLookedAtWhilePausing = 4;  // whoever is to settle the others writes to them
constexpr std::size_t kLooksAhead = 8;            // their states are on their way from the worker's cache

Status timed_out(std::size_t missing, std::size_t count) {
  return base::failure(
      Code::kTimeout, fmt::format("Get timeout: {} of {} objects were not ready in time; the references are still good",
                                  missing, count));
}

Status lost() { return base::failure(Code::kObjectLost, "the object is gone: its last reference was dropped"); }

Status raylet_died_waiting() {
  return base::failure(Code::kRayletDied,
                       "the raylet of this session has died or was stopped while objects were awaited");
}

// What a call says of an actor whose factory failed.
Status actor_not_created(Error &&cause) {
  Status status = base::failure(Code::kActorDied,
                                "The actor died because of an error raised in its creation task: " + cause.message);
  status->function = cause.function;
  status->type = cause.type;
  status->pid = cause.pid;
  status->signal = cause.signal;
  status->causes.push_back(std::move(cause));
  return status;
}

std::string function_name(std::uint64_t number) {
  const Function *const function = number == 0 ? nullptr : Functions::instance().find(number);
  return function == nullptr ? std::string() : function->name;
}

// "process with pid 7 was killed by signal 9 (Killed)".
std::string process_end_text(const char *process, const segment::Verdict &verdict) {
  const std::int32_t end = verdict.process_end;
  const std::string text = fmt::format("{} with pid {} ", process, verdict.pid);
  if (end > 0) return text + fmt::format("was killed by signal {} ({})", end, strsignal(end));
  return end == 0 ? text + "ended" : text + fmt::format("ended with exit status {}", -1 - end);
}

// Of a task that was to end: what its process had to do with it.
std::string stopped_text(std::string text, const segment::Verdict &verdict) {
  return verdict.pid == 0 ? text : text + ": " + process_end_text("its process", verdict);
}

std::string ending_text(const segment::Verdict &verdict) {
  if (static_cast<Code>(verdict.code) == Code::kActorUnavailable) {
    return "the actor is unavailable: " + process_end_text("its process", verdict) +
           " while it ran the call; it is being restarted";
  }
  switch (static_cast<segment::Ending>(verdict.cause_generation)) {
    case segment::Ending::kKilled:
      return "The actor died: it was killed by ray::Kill";
    case segment::Ending::kExited:
      return "The actor died: it exited by ray::ExitActor";
    case segment::Ending::kJobEnded:
      return "The actor died: the driver that it belonged to has ended";
    case segment::Ending::kUnreachable:
      return "The actor died: nobody referred to it any more";
    case segment::Ending::kGroupRemoved:
      return "The actor died: its placement group was removed";
    case segment::Ending::kRestartFailed:
      return "The actor died: its constructor threw when it was restarted";
    case segment::Ending::kDied:
      break;
  }
  return "The actor died unexpectedly before finishing this task: " + process_end_text("its process", verdict);
}

std::string verdict_text(const segment::Verdict &verdict) {
  const std::string function = function_name(verdict.function);
  const std::string task = function.empty() ? "the task" : "the task " + function;
  switch (static_cast<Code>(verdict.code)) {
    case Code::kWorkerDied:
      return process_end_text("the worker", verdict) + " while it ran " + task;
    case Code::kOwnerDied:
      return fmt::format("the process with pid {} that was to make the object has ended", verdict.pid);
    case Code::kFunctionNotFound:
      return "Executable function not found: no worker of this session knows the task's function; start the session "
             "with "
             "--library, or register the function in the program with RAY_REMOTE";
    case Code::kObjectLost:
      return "an argument of the task was gone before the task could use it";
    case Code::kLimitReached:
      return fmt::format("the session has its limit of {} tasks or of actors", base::kTasksMax);
    case Code::kActorDied:
    case Code::kActorUnavailable:
      return ending_text(verdict);
    case Code::kCancelled:
      return stopped_text(task + " was cancelled", verdict);
    case Code::kUnschedulable:
      return "the placement group of " + task + " was removed";
    case Code::kDeadlock:
      return task + " and those that it waits for wait for each other";
    case Code::kDeadlineOver:
      return stopped_text("the deadline of " + task + " was over before its end", verdict);
    default:
      return fmt::format("the raylet failed the object with code {}", verdict.code);
  }
}

}  // namespace

bool Session::is_settled(const Reference &reference) const {
  // acquire: the bytes written before the state are visible to us.
  const refs::ObjectName name = name_of(reference);
  const std::uint64_t word = segment_->entry(name.entry).state.load(std::memory_order_seq_cst);
  return refs::is_settled(word) || !refs::names(word, name.generation);
}

void Session::prefetch(const Reference &reference) const {
  if (reference.session_ == this) segment_->prefetch_entry(name_of(reference).entry);
}

// What the raylet may know of a wait, to see whether tasks wait for each other. A wait that ends by itself closes no
// circle, and other threads of a task may be what it waits for.
wire::Awaited Session::awaited_of(std::span<const Reference *const> references, std::span<const std::uint32_t> open,
                                  std::size_t needed, std::int64_t deadline_ns) const {
  wire::Awaited awaited;
  const bool all = needed == open.size();
  if (deadline_ns != base::kForever || running_thread_.load(std::memory_order_relaxed) != std::this_thread::get_id())
    return awaited;
  if (!all && open.size() > wire::Awaited::kNamesMax) return awaited;
  awaited.count = static_cast<std::uint32_t>(std::min<std::size_t>(open.size(), wire::Awaited::kNamesMax));
  awaited.needed = all ? awaited.count : static_cast<std::uint32_t>(needed);
  for (std::uint32_t i = 0; i < awaited.count; ++i) awaited.names[i] = name_of(*references[open[i]]);
  return awaited;
}

// The first of a task's threads that blocks and the last that goes on tell the raylet. Null: it goes on.
void Session::tell_blocked(const wire::Awaited *awaited) {
  const std::lock_guard lock(blocked_mutex_);
  const std::uint32_t before = blocked_threads_;
  blocked_threads_ += awaited != nullptr ? 1 : -1;
  if (awaited != nullptr && before == 0) outbox_->send(wire::blocked_slot(*awaited), Outbox::Urgency::kNow);
  if (awaited == nullptr && before == 1)
    outbox_->send(wire::slot_of(wire::ToRaylet::kUnblocked), Outbox::Urgency::kWhenConvenient);
}

// A worker that is going to sleep for an object gives its slot back meanwhile (rule 30). `before_sleep` says what for.
template <typename Ready, typename BeforeSleep>
segment::Wake Session::wait_for_objects(Ready ready, std::int64_t deadline_ns, BeforeSleep before_sleep) {
  bool told = false;
  std::int64_t slept_ns = 0;
  refs::ObjectName slept_for{segment::kNoEntry, 0};
  const segment::Wake wake = waiter_->wait_until(ready, deadline_ns, [&] {
    const wire::Awaited awaited = before_sleep();
    slept_ns = base::monotonic_ns();
    if (awaited.count != 0) slept_for = awaited.names[0];
    outbox_->wake_raylet();  // tasks of a batch may lie unread
    told = running_task_.load(std::memory_order_relaxed);
    if (told) tell_blocked(&awaited);
  });
  if (told) tell_blocked(nullptr);
  if (slept_ns != 0) activities_->note_wait(slept_for, references_->site(), slept_ns);
  return wake;
}

Status Session::get(const Reference &reference, std::int64_t deadline_ns, Bytes *bytes, const CallSite *site) {
  if (Status status = own(reference)) return status;
  if (!is_settled(reference)) {
    if (Status status = wait_for_one(reference, deadline_ns, site)) return status;
  }
  return read(name_of(reference), bytes);
}

Status Session::wait_for_one(const Reference &reference, std::int64_t deadline_ns, const CallSite *site) {
  if (site != nullptr) {
    const runtime::AtCallSite at(*site);
    return wait_for_one(reference, deadline_ns, nullptr);
  }
  const Reference *const one = &reference;
  bool ready = false;
  if (Status status = wait({&one, 1}, 1, deadline_ns, &ready)) return status;
  return ready ? nullptr : timed_out(1, 1);
}

Status Session::wait(std::span<const Reference *const> references, std::size_t wanted, std::int64_t deadline_ns,
                     bool *ready) {
  if (Status status = usable()) return status;
  std::fill_n(ready, references.size(), false);
  std::vector<std::uint32_t> open;
  std::size_t settled = 0;
  for (std::size_t i = 0; i < references.size(); ++i) {
    if (references[i]->session_ != this) return own(*references[i]);
    if (settled >= wanted) continue;
    if (i + kLooksAhead < references.size()) prefetch(*references[i + kLooksAhead]);
    ready[i] = is_settled(*references[i]);
    if (ready[i])
      ++settled;
    else
      open.push_back(static_cast<std::uint32_t>(i));
  }
  if (settled >= wanted) return nullptr;
  if (deadline_ns != base::kForever && deadline_ns <= base::monotonic_ns()) {
    outbox_->wake_raylet();  // tasks of a batch may lie unread, and who only asks now and then must find them done
    return nullptr;
  }
  const std::size_t missing = wanted - settled;
  const segment::Wake wake = wanted == references.size()
                                 ? wait_for_all(references, &open, deadline_ns, ready)
                                 : wait_for_some(references, &open, missing, deadline_ns, ready);
  return wake == segment::Wake::kRayletDied ? raylet_died_waiting() : nullptr;
}

// One waiter bit suffices, that of the last: who wakes for it looks at the rest and moves it on.
segment::Wake Session::wait_for_all(std::span<const Reference *const> references, std::vector<std::uint32_t> *open,
                                    std::int64_t deadline_ns, bool *ready) {
  bool marked = false;
  const auto mark_last = [&] { refs::set_waiter(*segment_, client_id_, name_of(*references[open->back()]).entry); };
  const auto look = [&] {
    while (!open->empty() && is_settled(*references[open->back()])) {
      ready[open->back()] = true;
      open->pop_back();
      if (marked && !open->empty()) mark_last();
    }
    return open->empty();
  };
  const segment::Wake wake = wait_for_objects(look, deadline_ns, [&] {
    marked = true;
    mark_last();
    return awaited_of(references, *open, open->size(), deadline_ns);
  });
  for (const std::uint32_t i : *open) ready[i] = is_settled(*references[i]);
  return wake;
}

segment::Wake Session::wait_for_some(std::span<const Reference *const> references, std::vector<std::uint32_t> *open,
                                     std::size_t missing, std::int64_t deadline_ns, bool *ready) {
  // All of them are looked at before the thread sleeps and after it was woken, a few while it only pauses.
  std::size_t looked_at_max = kLookedAtWhilePausing;
  const auto take_settled = [&](std::uint32_t i) {
    if (missing == 0 || !is_settled(*references[i])) return false;
    --missing;
    return ready[i] = true;
  };
  const auto look = [&] {
    const auto end = open->begin() + static_cast<std::ptrdiff_t>(std::min(looked_at_max, open->size()));
    open->erase(std::remove_if(open->begin(), end, take_settled), end);
    return missing == 0;
  };
  return wait_for_objects(look, deadline_ns, [&] {
    looked_at_max = SIZE_MAX;
    for (const std::uint32_t i : *open) refs::set_waiter(*segment_, client_id_, name_of(*references[i]).entry);
    return awaited_of(references, *open, missing, deadline_ns);
  });
}

Status Session::collect_settled(runtime::Completion &completion) {
  if (Status status = usable()) return status;
  if (!std::exchange(completion.checked_, true)) {
    for (const Reference *reference : completion.references_) {
      if (Status status = own(*reference)) return status;
    }
  }
  const auto take_settled = [&](std::uint32_t index) {
    if (!is_settled(*completion.references_[index])) return false;
    completion.settled_.push_back(index);
    return true;
  };
  // All of them are looked at before the thread sleeps and after it was woken, a few while it only pauses.
  std::size_t looked_at_max = kLookedAtWhilePausing;
  const auto look = [&] {
    std::vector<std::uint32_t> &open = completion.open_;
    const auto end = open.begin() + static_cast<std::ptrdiff_t>(std::min(looked_at_max, open.size()));
    open.erase(std::remove_if(open.begin(), end, take_settled), end);
    return !completion.settled_.empty();
  };
  const auto look_at_all = [&] {
    looked_at_max = completion.open_.size();
    return look();
  };
  if (!look_at_all()) {
    looked_at_max = kLookedAtWhilePausing;
    const segment::Wake wake = wait_for_objects(look, completion.deadline_ns_, [&] {
      looked_at_max = SIZE_MAX;
      if (!std::exchange(completion.marked_, true)) {
        for (const std::uint32_t index : completion.open_) {
          refs::set_waiter(*segment_, client_id_, name_of(*completion.references_[index]).entry);
        }
      }
      return awaited_of(completion.references_, completion.open_, 1, completion.deadline_ns_);
    });
    if (wake == segment::Wake::kRayletDied) return raylet_died_waiting();
    if (wake == segment::Wake::kTimeout) return timed_out(completion.open_.size(), completion.references_.size());
  }
  std::reverse(completion.settled_.begin(), completion.settled_.end());
  return nullptr;
}

Status Session::read_plain(const segment::EntryHeader &header, Bytes *bytes) const {
  const std::uint64_t offset = header.offset;
  const std::uint64_t size = header.size;
  const bool is_inline = offset == segment::kInlineOffset;
  if (is_inline ? size > segment::kInlineBytes : !segment_->contains(offset, size)) {
    return base::failure(Code::kObjectLost,
                         fmt::format("the object's header is damaged: offset {}, size {}", offset, size));
  }
  *bytes = {is_inline ? header.inline_bytes : segment_->readable(offset), size, header.format};
  return nullptr;
}

Status Session::read(refs::ObjectName name, Bytes *bytes) {
  const segment::EntryHeader &header = segment_->entry(name.entry);
  const std::uint64_t word = header.state.load(std::memory_order_acquire);
  if (!refs::names(word, name.generation) || !refs::is_settled(word)) return lost();
  if (refs::state_of(word) == refs::State::kFailed) return read_failure(name, word);
  if (header.kind != segment::Kind::kForward) return read_plain(header, bytes);
  return read_forward(header, bytes);
}

// The buffer is held by the raylet as long as the entry that forwards to it.
Status Session::read_forward(const segment::EntryHeader &header, Bytes *bytes) const {
  segment::ForwardTarget target{};
  std::memcpy(&target, header.inline_bytes, sizeof target);
  if (target.entry >= segment_->entries_reserved()) return lost();
  const segment::EntryHeader &buffer = segment_->entry(target.entry);
  const std::uint64_t word = buffer.state.load(std::memory_order_acquire);
  if (!refs::names(word, target.generation) || refs::state_of(word) != refs::State::kSealed) return lost();
  return read_plain(buffer, bytes);
}

// What the raylet has to say lies in an object of its own.
Status Session::read_words(const segment::Verdict &verdict) const {
  Bytes bytes;
  if (Status status = read_plain(segment_->entry(verdict.cause_entry), &bytes)) return status;
  std::optional<Error> words = tasks::decode_error({bytes.data, bytes.size});
  if (!words) return lost();
  words->function = function_name(verdict.function);
  if (!words->function.empty()) words->message = "the task " + words->function + ": " + words->message;
  Status status = std::make_unique<Error>(std::move(*words));
  const bool of_actor = static_cast<Code>(verdict.code) == Code::kActorDied;
  return of_actor ? actor_not_created(std::move(*status)) : std::move(status);
}

Status Session::read_failure(refs::ObjectName name, std::uint64_t word) {
  const segment::EntryHeader &header = segment_->entry(name.entry);
  const segment::Verdict &verdict = header.verdict;
  if (refs::writer_of(word) == refs::kRayletWriter && verdict.cause_entry == segment::kNoEntry) {
    Status status = base::failure(static_cast<Code>(verdict.code), verdict_text(verdict));
    status->pid = verdict.pid;
    status->signal = std::max(0, verdict.process_end);
    status->function = function_name(verdict.function);
    return status;
  }
  if (refs::writer_of(word) == refs::kRayletWriter) {
    // The cause is held by the raylet as long as this entry is; it stands for itself, so this goes one level deep.
    if (verdict.cause_entry >= segment_->entries_reserved()) return lost();
    const segment::EntryHeader &cause = segment_->entry(verdict.cause_entry);
    const std::uint64_t cause_word = cause.state.load(std::memory_order_acquire);
    if (!refs::names(cause_word, verdict.cause_generation)) return lost();
    if (refs::state_of(cause_word) == refs::State::kSealed) return read_words(verdict);
    if (refs::state_of(cause_word) != refs::State::kFailed) return lost();
    const bool stands_alone =
        refs::writer_of(cause_word) != refs::kRayletWriter || cause.verdict.cause_entry == segment::kNoEntry;
    if (!stands_alone) return lost();
    Status status = read_failure({verdict.cause_entry, verdict.cause_generation}, cause_word);
    const bool of_actor = static_cast<Code>(verdict.code) == Code::kActorDied && status->code != Code::kActorDied;
    return of_actor ? actor_not_created(std::move(*status)) : std::move(status);
  }
  Bytes bytes;
  const bool forwarded = header.kind == segment::Kind::kForward;
  if (Status status = forwarded ? read_forward(header, &bytes) : read_plain(header, &bytes)) return status;
  std::optional<Error> error = tasks::decode_error({bytes.data, bytes.size});
  if (!error) return base::failure(Code::kObjectLost, "the error that the task left cannot be read");
  if (error->message.empty()) {
    error->message = "the object store was full when the task ended: there was no room for its result or its error";
  }
  return std::make_unique<Error>(std::move(*error));
}

}  // namespace mobula::client
