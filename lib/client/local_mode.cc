#include "client/local_mode.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <vector>

#include "base/clock.h"
#include "client/failures.h"
#include "tasks/task_spec.h"

namespace mobula::client {
namespace {

constexpr unsigned char kNil = 0xc0;

std::atomic<LocalMode *> current_local_mode{nullptr};

// Sets `word` for as long as it lives.
template <typename T>
class Substitute {
 public:
  Substitute(T &word, T value) : word_(word), before_(std::exchange(word, value)) {}
  Substitute(const Substitute &) = delete;
  Substitute &operator=(const Substitute &) = delete;
  ~Substitute() { word_ = before_; }

 private:
  T &word_;
  T before_;
};

thread_local const void *actor_of_thread = nullptr;

Status to_status(Error error) { return std::make_unique<Error>(std::move(error)); }

Error actor_died(const std::string &why, const std::string &function = {}) {
  Error error;
  error.code = Code::kActorDied;
  error.function = function;
  error.failed_ns = base::wall_ns();
  error.message = "The actor died: " + why;
  return error;
}

}  // namespace

struct LocalMode::Actor {
  std::recursive_mutex mutex;  // of all but the names; a method may call its own actor
  const std::string name;
  const std::string name_space;
  void *instance = nullptr;
  void (*destroy)(void *) = nullptr;
  std::uint32_t calls = 0;  // that run, one inside the other
  Status death;             // null while it lives
  std::atomic<bool> is_dead{false};
  Reference kept;  // of a detached one: a handle of its own

  Actor(std::string its_name, std::string its_name_space)
      : name(std::move(its_name)), name_space(std::move(its_name_space)) {}

  void die(Error error) {
    const std::lock_guard lock(mutex);
    if (death == nullptr) death = to_status(std::move(error));
    is_dead.store(true);
    kept = Reference();
    destroy_if_idle();
  }
  // REQUIRES: locked.
  void destroy_if_idle() {
    if (death == nullptr || calls != 0 || instance == nullptr) return;
    void *const gone = std::exchange(instance, nullptr);
    const Substitute inside(actor_of_thread, static_cast<const void *>(this));
    if (destroy != nullptr) destroy(gone);
  }
};

// What the user's function is called with. Arguments lie where the caller has them.
class LocalMode::LocalCall final : public Call {
 public:
  LocalCall(Session &session, const Submission &submission, Actor *actor)
      : session_(session), submission_(submission), actor_(actor), arguments_(submission.arguments.size()) {}

  Status load() {
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const runtime::Argument &argument = submission_.arguments[i];
      arguments_[i] = {static_cast<const std::byte *>(argument.data), argument.bytes, argument.format};
      if (argument.reference == nullptr) continue;
      if (Status status = session_.get(*argument.reference, base::kForever, &arguments_[i])) return status;
    }
    return nullptr;
  }
  std::size_t argument_count() const override { return arguments_.size(); }
  Bytes argument(std::size_t index) const override { return arguments_[index]; }
  Reference argument_reference(std::size_t index) const override {
    const Reference *const reference = submission_.arguments[index].reference;
    return reference == nullptr ? Reference() : *reference;
  }
  Status set_result(const void *data, std::uint64_t bytes, Format format, const Reference *contained,
                    std::size_t contained_count) override {
    Draft draft;
    if (Status status = session_.create(bytes, format, segment::Kind::kValue, &draft)) return status;
    if (bytes > 0) std::memcpy(draft.data(), data, bytes);
    return set_result(std::move(draft), contained, contained_count);
  }
  Status set_result(Draft &&draft, const Reference *contained, std::size_t contained_count) override {
    return session_.seal(std::move(draft), {contained, contained_count}, &result_);
  }
  void *instance() const override {
    if (actor_ == nullptr || actor_->instance == nullptr) return nullptr;
    return static_cast<std::byte *>(actor_->instance) + submission_.instance_offset;
  }
  void set_instance(void *instance, void (*destroy)(void *instance)) override {
    if (actor_ == nullptr) return;
    actor_->instance = instance;
    actor_->destroy = destroy;
  }
  Reference take_result() { return std::move(result_); }
  void note_exit() { exits_ = true; }
  // Whether the method has asked for its actor's end.
  bool exits() const { return exits_; }

 private:
  Session &session_;
  const Submission &submission_;
  Actor *actor_;
  std::vector<Bytes> arguments_;
  Reference result_;
  bool exits_ = false;
};

LocalMode::~LocalMode() {
  const auto actors = std::exchange(actors_, {});
  for (const auto &[key, actor] : actors) actor->die(actor_died("the driver that it belonged to has ended"));
}

bool LocalMode::is_inside_actor() { return actor_of_thread != nullptr; }

Status LocalMode::submit(const Submission &submission, Reference *result) {
  const Function *const function = Functions::instance().find(submission.function);
  if (function == nullptr) {
    return fail(*base::failure(Code::kFunctionNotFound, "Executable function not found in this process"), result);
  }
  if (submission.creation != nullptr) return create_actor(*function, submission, result);
  if (submission.actor != nullptr) return call_actor(*function, submission, result);
  const Substitute outside(actor_of_thread, static_cast<const void *>(nullptr));
  LocalCall call(session_, submission, nullptr);
  if (Status failure = run(*function, submission, call)) return fail(*failure, result);
  *result = call.take_result();
  return nullptr;
}

// The failure of the user's function, or of an argument of it.
Status LocalMode::run(const Function &function, const Submission &submission, LocalCall &call) {
  const TaskStart start(submission.options.name);
  if (Status failure = call.load()) return failure;
  try {
    function.invoker(function.target.data(), call);
    return nullptr;
  } catch (const runtime::ActorExit &) {
    call.note_exit();
    return to_status(actor_died("it exited by ray::ExitActor", function.name));
  } catch (const abi::__forced_unwind &) {
    throw;  // pthread_exit: not ours to stop
  } catch (...) {
    return to_status(describe_thrown(function.name));
  }
}

Status LocalMode::fail(const Error &error, Reference *result) {
  const std::span<const std::byte> bytes = tasks::encode_error(error);
  Draft draft;
  if (Status status = session_.create(bytes.size(), 0, segment::Kind::kError, &draft)) return status;
  std::memcpy(draft.data(), bytes.data(), bytes.size());
  return session_.seal_failed(std::move(draft), result);
}

// --- actors ----------------------------------------------------------------------------------------------------------

Status LocalMode::check_name(const runtime::ActorOptions &options) {
  Reference found;
  if (options.name.empty()) return nullptr;
  if (Status status = find_actor(options.name, options.name_space, &found)) return status;
  if (found.empty()) return nullptr;
  return base::failure(Code::kInvalidArgument,
                       fmt::format("Actor with name '{}' already exists in the namespace {}", options.name,
                                   options.name_space.empty() ? "of this job" : options.name_space));
}

// The handle is an object like any other: who holds it, holds the actor.
Status LocalMode::create_actor(const Function &function, const Submission &submission, Reference *result) {
  const runtime::ActorOptions &options = *submission.creation;
  end_unreachable();
  if (Status status = check_name(options)) return status;
  Draft draft;
  Reference handle;
  if (Status status = session_.create(sizeof kNil, 0, segment::Kind::kValue, &draft)) return status;
  std::memcpy(draft.data(), &kNil, sizeof kNil);
  if (Status status = session_.seal(std::move(draft), {}, &handle)) return status;
  const auto actor =
      std::make_shared<Actor>(options.name, options.name_space.empty() ? name_space_ : options.name_space);
  if (options.detached == true) actor->kept = handle;
  const refs::ObjectName name = Session::name_of(handle);
  {
    const std::lock_guard lock(mutex_);
    actors_[{name.entry, name.generation}] = actor;
  }
  const std::lock_guard lock(actor->mutex);
  const Substitute inside(actor_of_thread, static_cast<const void *>(actor.get()));
  LocalCall call(session_, submission, actor.get());
  if (Status failure = run(function, submission, call)) {
    Error death = *failure;
    death.code = Code::kActorDied;
    death.message = "The actor died because of an error raised in its creation task: " + failure->message;
    death.causes.insert(death.causes.begin(), std::move(*failure));
    death.causes.front().causes.clear();
    actor->die(std::move(death));
  }
  *result = std::move(handle);
  return nullptr;
}

Status LocalMode::call_actor(const Function &function, const Submission &submission, Reference *result) {
  const std::shared_ptr<Actor> actor = actor_of(*submission.actor);
  if (actor == nullptr) return fail(actor_died("the handle is not of an actor of this session"), result);
  const std::lock_guard lock(actor->mutex);
  if (actor->death != nullptr) return fail(*actor->death, result);
  LocalCall call(session_, submission, actor.get());
  ++actor->calls;
  const Substitute inside(actor_of_thread, static_cast<const void *>(actor.get()));
  Status failure = run(function, submission, call);
  --actor->calls;
  if (call.exits()) actor->die(*failure);
  actor->destroy_if_idle();
  if (failure != nullptr) return fail(*failure, result);
  *result = call.take_result();
  return nullptr;
}

std::shared_ptr<LocalMode::Actor> LocalMode::actor_of(const Reference &reference) {
  if (reference.empty()) return nullptr;
  const refs::ObjectName name = Session::name_of(reference);
  const std::lock_guard lock(mutex_);
  const auto found = actors_.find({name.entry, name.generation});
  return found == actors_.end() ? nullptr : found->second;
}

Status LocalMode::find_actor(std::string_view name, std::string_view name_space, Reference *actor) {
  const std::string_view where = name_space.empty() ? name_space_ : name_space;
  const std::lock_guard lock(mutex_);
  for (const auto &[key, one] : actors_) {
    if (one->is_dead || one->name != name || one->name_space != where) continue;
    *actor = session_.take(refs::ObjectName{key.first, key.second});
    if (!actor->empty()) return nullptr;
  }
  return nullptr;
}

Status LocalMode::kill_actor(const Reference &reference) {
  const std::shared_ptr<Actor> actor = actor_of(reference);
  if (actor != nullptr) actor->die(actor_died("it was killed by ray::Kill"));
  return nullptr;
}

// Ends those whose last handle is gone. Outside of the lock: a destructor may drop handles of other actors.
void LocalMode::end_unreachable() {
  std::vector<std::shared_ptr<Actor>> gone;
  {
    const std::lock_guard lock(mutex_);
    for (auto one = actors_.begin(); one != actors_.end();) {
      const bool is_held = !session_.take(refs::ObjectName{one->first.first, one->first.second}).empty();
      if (!is_held) gone.push_back(one->second);
      one = is_held ? std::next(one) : actors_.erase(one);
    }
  }
  for (const std::shared_ptr<Actor> &actor : gone) actor->die(actor_died("nobody referred to it any more"));
}

LocalMode *local_mode() { return current_local_mode.load(std::memory_order_acquire); }

void set_local_mode(std::unique_ptr<LocalMode> local) {
  const std::unique_ptr<LocalMode> before(current_local_mode.exchange(local.release()));
}

void forget_local_mode_after_fork() { current_local_mode.store(nullptr); }

}  // namespace mobula::client
