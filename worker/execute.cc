#include "worker/execute.h"

#include <cxxabi.h>
#include <unistd.h>

#include <cstring>
#include <exception>

#include "base/clock.h"
#include "base/crash_points.h"
#include "client/cancelled.h"
#include "client/current.h"
#include "client/failures.h"
#include "client/functions.h"
#include "refs/waiters.h"
#include "tasks/claim.h"
#include "tasks/task_spec.h"
#include "worker/environment.h"

namespace mobula::worker {
namespace {

const std::string kNoName;

Error from_status(const Status &status, const std::string &function) {
  Error error = *status;
  if (error.function.empty()) error.function = function;
  return error;
}

}  // namespace

// What the user's function is called with, and where its result goes.
class Executor::RunningCall final : public Call {
 public:
  RunningCall(Executor &executor, const tasks::TaskSpec &spec, const client::Function &function,
              const refs::ObjectName &result)
      : executor_(executor),
        spec_(spec),
        result_(result),
        arguments_(spec.arguments.size()),
        site_{nullptr, function.name.c_str(), 0},
        at_site_(site_) {}

  // Finds the bytes of every argument.
  Status load() {
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const tasks::ArgumentView &argument = spec_.arguments[i];
      arguments_[i] = argument.value;
      if (argument.reference.entry == segment::kNoEntry) continue;
      // Held by the raylet for the task, so there is nothing to take.
      if (Status status = executor_.session_.read(argument.reference, &arguments_[i])) return status;
    }
    return nullptr;
  }
  std::size_t argument_count() const override { return arguments_.size(); }
  // Handles that are found inside of it are taken for it.
  Bytes argument(std::size_t index) const override {
    site_.line = static_cast<std::uint32_t>(index) + 1;
    return arguments_[index];
  }
  Reference argument_reference(std::size_t index) const override {
    site_.line = static_cast<std::uint32_t>(index) + 1;
    const refs::ObjectName &name = spec_.arguments[index].reference;
    return name.entry == segment::kNoEntry ? Reference() : executor_.session_.take(name);
  }
  Status set_result(const void *data, std::uint64_t bytes, Format format, const Reference *contained,
                    std::size_t contained_count) override {
    return executor_.write(result_, data, bytes, format, segment::Kind::kValue, {contained, contained_count});
  }
  Status set_result(Draft &&draft, const Reference *contained, std::size_t contained_count) override {
    if (draft.size() <= segment::kInlineBytes) {
      return set_result(draft.data(), draft.size(), draft.format(), contained, contained_count);
    }
    return executor_.forward(result_, std::move(draft), client::Session::shared_names({contained, contained_count}));
  }
  void *instance() const override {
    void *const whole = executor_.actor_.instance;
    return whole == nullptr ? nullptr : static_cast<std::byte *>(whole) + spec_.instance_offset;
  }
  void set_instance(void *instance, void (*destroy)(void *instance)) override {
    made_.instance = instance;
    made_.destroy = destroy;
    made_.concurrency = spec_.creation ? spec_.creation->concurrency : 1;
  }
  void begin() override { site_.line = 0; }
  // What a factory has made.
  const Actor &made() const { return made_; }

 private:
  Executor &executor_;
  const tasks::TaskSpec &spec_;
  const refs::ObjectName result_;
  std::vector<Bytes> arguments_;
  Actor made_;
  mutable CallSite site_;  // where this thread is in the task
  const runtime::AtCallSite at_site_;
};

bool Executor::are_entries(const wire::TaskNames &names) const {
  const std::uint32_t entries = session_.segment().entries_reserved();
  return names.spec.entry < entries && names.result.entry < entries;
}

void Executor::prefetch(const wire::TaskNames &names) const {
  if (!are_entries(names)) return;
  session_.segment().prefetch_entry(names.spec.entry);
  session_.segment().prefetch_entry(names.result.entry);
}

bool Executor::claim(const wire::TaskNames &names) {
  if (!are_entries(names)) return false;
  return tasks::claim(session_.segment().entry(names.spec.entry).claim, session_.client_id(),
                      names.spec.generation);  // Q2
}

// Q3. False: it was settled by the raylet meanwhile.
bool Executor::begin_result(const refs::ObjectName &result) {
  std::uint64_t expected = refs::pack(refs::State::kPending, refs::kRayletWriter, result.generation);
  return session_.segment()
      .entry(result.entry)
      .state.compare_exchange_strong(expected,
                                     refs::pack(refs::State::kCreating, session_.client_id(), result.generation),
                                     std::memory_order_seq_cst);
}

Executor::Outcome Executor::run(const wire::TaskOffer &offer) {
  if (!claim(offer.names)) return Outcome::kTakenBack;
  base::crash_point(base::CrashPoint::kTaskClaimed);
  if (!begin_result(offer.names.result)) return Outcome::kRan;
  base::crash_point(base::CrashPoint::kTaskBegun);
  // Calls that run side by side hold no slot, and cannot tell which of them waits.
  const bool alone = actor_.concurrency == 1;
  if (alone) session_.set_running_task(true);
  const Outcome outcome = execute(offer);  // Q4
  if (alone) session_.set_running_task(false);
  return outcome;
}

Executor::Outcome Executor::run_again(const wire::TaskOffer &offer) {
  if (!claim(offer.names)) return Outcome::kTakenBack;
  base::crash_point(base::CrashPoint::kTaskClaimed);
  session_.set_running_task(true);
  const Attempt made = attempt(offer);
  session_.set_running_task(false);
  return made.error ? Outcome::kFailed : Outcome::kRan;
}

Executor::Outcome Executor::execute(const wire::TaskOffer &offer) {
  const Attempt ended = attempt(offer);
  // The raylet knows how often it ran, and may let it run elsewhere.
  if (ended.may_retry && offer.count > 0) return Outcome::kThrew;
  if (ended.error)
    settle_error(offer.names.result, *ended.error);
  else
    settle(offer.names.result, refs::State::kSealed);
  return ended.exits ? Outcome::kExits : Outcome::kRan;
}

Executor::Attempt Executor::attempt(const wire::TaskOffer &offer) {
  Bytes bytes;
  const Status status = session_.read(offer.names.spec, &bytes);
  const std::optional<tasks::TaskSpec> spec =
      status == nullptr ? tasks::decode_spec({bytes.data, bytes.size}) : std::nullopt;
  const client::TaskStart start(spec && spec->options ? spec->options->name : kNoName);
  if (!spec) return {client::describe_failure("", "mobula", "the task's spec cannot be read")};
  const client::Function *const function = client::Functions::instance().find(spec->function);
  if (function == nullptr) {
    return {*base::failure(Code::kFunctionNotFound, "Executable function not found in this worker")};
  }
  const std::uint32_t site = session_.references().sites().number_of({nullptr, function->name.c_str(), 0});
  const client::Activities::Work work = session_.activities().begin_task(offer.names.result, site);
  Attempt ended = run_function(*spec, *function, offer);
  session_.activities().end_task(work, ended.error ? segment::ActivityEnd::kThrew : segment::ActivityEnd::kDone);
  return ended;
}

Executor::Attempt Executor::run_function(const tasks::TaskSpec &spec, const client::Function &function,
                                         const wire::TaskOffer &offer) {
  const bool is_call = spec.actor.entry != segment::kNoEntry;
  Environment environment;
  if (!is_call && (spec.options || offer.device_bits != 0)) {
    const Status status = environment.enter(spec.options ? spec.options->runtime_env : "", offer.device_bits);
    if (status != nullptr) return {from_status(status, function.name)};
  }
  if (!spec.creation) return call_function(spec, function, offer);
  Attempt made = make_actor(spec, function, offer);
  if (!made.error) environment.keep();
  return made;
}

Executor::Attempt Executor::call_function(const tasks::TaskSpec &spec, const client::Function &function,
                                          const wire::TaskOffer &offer) {
  const refs::ObjectName &name = offer.names.spec;
  const std::uint64_t asked = tasks::pack_claim(tasks::Claim::kCancelling, session_.client_id(), name.generation);
  const client::RunningTask running(session_.segment().entry(name.entry).claim, asked, actor_.concurrency == 1);
  const bool is_call = spec.actor.entry != segment::kNoEntry;
  // A call runs again here and now: those behind it keep their order.
  for (std::uint32_t left = offer.count;; --left) {
    RunningCall call(*this, spec, function, offer.names.result);
    Attempt ended = invoke(function, call);
    if (!ended.error) return ended;
    ended.may_retry &= spec.options && spec.options->retry_exceptions && !running.is_cancelled();
    if (is_call && ended.may_retry && left > 0) continue;
    if (running.has_seen()) ended.error = cancelled(spec, name, std::move(*ended.error));
    if (is_call) ended.may_retry = false;
    return ended;
  }
}

// What a task is that threw after it had seen that it is to end.
Error Executor::cancelled(const tasks::TaskSpec &spec, const refs::ObjectName &spec_name, Error thrown) const {
  const std::int64_t deadline_ms = spec.options ? spec.options->deadline_ms : -1;
  const std::int64_t due_ns =
      session_.segment().entry(spec_name.entry).created_ns + deadline_ms * base::kNanosecondsPerMillisecond;
  const bool is_over = deadline_ms >= 0 && base::monotonic_ns() >= due_ns;
  Error error = thrown;
  error.code = is_over ? Code::kDeadlineOver : Code::kCancelled;
  error.message = is_over ? "the deadline of the task was over before its end" : "the task was cancelled";
  error.type.clear();
  thrown.causes.clear();
  error.causes.insert(error.causes.begin(), std::move(thrown));
  return error;
}

Executor::Attempt Executor::make_actor(const tasks::TaskSpec &spec, const client::Function &function,
                                       const wire::TaskOffer &offer) {
  const refs::ObjectName &result = offer.names.result;
  client::set_actor(offer.count);
  RunningCall call(*this, spec, function, result);
  Attempt ended = invoke(function, call);
  ended.may_retry = false;
  if (ended.error) {
    client::set_actor(std::nullopt);
    ended.exits = false;
    ended.error->code = Code::kActorDied;
    ended.error->message = "The actor died because of an error raised in its creation task: " + ended.error->message;
    return ended;
  }
  actor_ = call.made();
  session_.activities().set_actor(result.entry);
  if (refs::state_of(session_.segment().entry(result.entry).state.load()) == refs::State::kCreating)
    describe_actor(result);
  return ended;
}

// Runs the user's code.
Executor::Attempt Executor::invoke(const client::Function &function, RunningCall &call) {
  try {
    if (Status status = call.load()) return {from_status(status, function.name)};
    function.invoker(function.target.data(), call);
    return {};
  } catch (const runtime::ActorExit &) {
    Error error;
    error.code = Code::kActorDied;
    error.function = function.name;
    error.message = "The actor died: it exited by ray::ExitActor";
    return {error, true, false};
  } catch (const abi::__forced_unwind &) {
    throw;  // pthread_exit in the task: not ours to stop
  } catch (...) {
    return {client::describe_thrown(function.name), false, true};
  }
}

// The entry that stands for the actor contains nothing.
void Executor::describe_actor(const refs::ObjectName &entry) {
  constexpr unsigned char kNil = 0xc0;
  static_cast<void>(write(entry, &kNil, sizeof kNil, format_of(Encoding::kMsgpack), segment::Kind::kActor, {}));
}

// Q5, K1..K4. A CAS that fails: the raylet settled it first, its word stands.
void Executor::settle(const refs::ObjectName &result, refs::State state) {
  session_.references().log_made(state == refs::State::kSealed ? segment::Event::kSeal : segment::Event::kFail, result);
  std::uint64_t expected = refs::pack(refs::State::kCreating, session_.client_id(), result.generation);
  const std::uint64_t settled = refs::pack(state, session_.client_id(), result.generation);
  if (session_.segment()
          .entry(result.entry)
          .state.compare_exchange_strong(expected, settled, std::memory_order_seq_cst)) {
    base::crash_point(base::CrashPoint::kResultSettled);
    refs::ring_waiters(session_.segment(), result.entry);
  }
}

void Executor::settle_error(const refs::ObjectName &result, const Error &error) {
  const std::span<const std::byte> bytes = tasks::encode_error(error);
  const Status status = write(result, bytes.data(), bytes.size(), 0, segment::Kind::kError, {});
  if (status != nullptr && status->code == Code::kRayletDied) return;  // who waits is told of that death
  if (status != nullptr) {
    // No space for the words: the code alone fits beside the header.
    Error bare;
    bare.code = error.code;
    const std::span<const std::byte> few = tasks::encode_error(bare);
    static_cast<void>(write(result, few.data(), few.size(), 0, segment::Kind::kError, {}));
  }
  settle(result, refs::State::kFailed);
}

Status Executor::write(const refs::ObjectName &result, const void *data, std::uint64_t bytes, Format format,
                       segment::Kind kind, std::span<const Reference> contained) {
  std::vector<refs::ObjectName> names = client::Session::shared_names(contained);
  if (bytes > segment::kInlineBytes) return write_forward(result, data, bytes, format, std::move(names));
  if (!names.empty()) session_.send_contained(result, names);  // before the seal (rule 17)
  segment::EntryHeader &header = session_.segment().entry(result.entry);
  header.size = bytes;
  header.format = format;
  header.kind = kind;
  header.creator_pid = session_.pid();
  header.created_ns = base::coarse_ns();
  std::memcpy(header.inline_bytes, data, bytes);
  base::crash_point(base::CrashPoint::kResultDescribed);
  return nullptr;
}

Status Executor::write_forward(const refs::ObjectName &result, const void *data, std::uint64_t bytes, Format format,
                               std::vector<refs::ObjectName> contained) {
  Draft draft;
  if (Status status = session_.create(bytes, format, segment::Kind::kBuffer, &draft)) return status;
  std::memcpy(draft.data(), data, bytes);
  return forward(result, std::move(draft), std::move(contained));
}

// A larger result lies in an entry of our own, which the result contains.
Status Executor::forward(const refs::ObjectName &result, Draft &&draft, std::vector<refs::ObjectName> contained) {
  const std::uint64_t bytes = draft.size();
  const Format format = draft.format();
  Reference buffer;
  if (Status status = session_.seal_buffer(std::move(draft), &buffer)) return status;
  base::crash_point(base::CrashPoint::kResultBuffered);
  contained.push_back(client::Session::shared_names({&buffer, 1})[0]);
  session_.send_contained(result, contained);
  const segment::ForwardTarget target{contained.back().generation, contained.back().entry, 0};
  segment::EntryHeader &header = session_.segment().entry(result.entry);
  header.size = bytes;
  header.format = format;
  header.kind = segment::Kind::kForward;
  header.creator_pid = session_.pid();
  header.created_ns = base::coarse_ns();
  std::memcpy(header.inline_bytes, &target, sizeof target);
  return nullptr;
}

}  // namespace mobula::worker
