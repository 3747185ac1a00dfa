// Whole operations through the API, in a session.
#include <mobula/retention.h>
#include <ray/api.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "micro/operations.h"
#include "rows.h"

namespace bench::micro {
namespace {

// What the session's objects are held by. Emptied before the session ends.
struct Held {
  ray::ObjectRef<int> object = ray::Put(7);
  std::vector<ray::ObjectRef<int>> many{};
  std::vector<ray::ObjectRef<void>> results{};
  std::vector<ray::ObjectRef<int>> calls{};
  std::vector<std::string> others_ids{};  // of objects that an actor made and holds
};
std::optional<Held> held;

}  // namespace

void nothing() {}

// Lives in another process.
class Other {
 public:
  static Other *Make() { return new Other; }
  int Next() { return ++count_; }
  std::vector<std::string> MakeObjects(int count) {
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) {
      objects_.push_back(ray::Put(i));
      ids.push_back(objects_.back().ID());
    }
    return ids;
  }

 private:
  int count_ = 0;
  std::vector<ray::ObjectRef<int>> objects_;
};
RAY_REMOTE(nothing, Other::Make, &Other::Next, &Other::MakeObjects);

namespace {

std::optional<ray::ActorHandle<Other>> other;

void prepare_nothing() {}

void run_put() {
  for (int i = 0; i < kBatch; ++i) use(ray::Put(i));
}

void prepare_held() {
  held->many.clear();
  held->many.reserve(kBatch);
}

void run_held_put() {
  for (int i = 0; i < kBatch; ++i) held->many.push_back(ray::Put(i));
}

void run_get() {
  for (int i = 0; i < kBatch; ++i) use(*held->object.Get());
}

void run_clone() {
  for (int i = 0; i < kBatch; ++i) held->many.push_back(held->object);
}

void prepare_drop() { held->many.assign(kBatch, held->object); }

void run_drop() { held->many.clear(); }

// Reading another process's object: from its id to a handle, and back.
void run_take_by_id() {
  for (int i = 0; i < kBatch; ++i) {
    const mobula::Reference taken =
        mobula::Reference::from_id(held->others_ids[static_cast<std::size_t>(i) % held->others_ids.size()]);
    require(!taken.empty(), "the object is gone");
  }
}

void prepare_submit() {
  for (const auto &result : held->results) result.Get();
  held->results.clear();
  held->results.reserve(kBatch);
}

void run_submit() {
  for (int i = 0; i < kBatch; ++i) held->results.push_back(ray::Task(nothing).Remote());
}

void run_task_async() {
  run_submit();
  prepare_submit();
}

void run_actor_calls_async() {
  held->calls.clear();
  for (int i = 0; i < kBatch; ++i) held->calls.push_back(other->Task(&Other::Next).Remote());
  for (const auto &call : held->calls) use(*call.Get());
}

void run_actor_calls() {
  for (int i = 0; i < kBatch; ++i) use(*other->Task(&Other::Next).Remote().Get());
}

// More than fits a header, so that eviction gives bytes back.
using Block = std::array<char, 200>;

void prepare_evict() {
  for (int i = 0; i < kBatch; ++i) use(mobula::put_retained(Block{}));
}

void run_evict() { require(mobula::evict(~0ull).objects == kBatch, "not all were evicted"); }

}  // namespace

void start_session(const std::string &address) {
  ray::RayConfig config;
  config.address = address;
  ray::Init(config);
  held.emplace();
  other.emplace(ray::Actor(Other::Make).Remote());
  held->others_ids = *other->Task(&Other::MakeObjects).Remote(250).Get();
  run_task_async();
}

void end_session() {
  held.reset();
  other.reset();
  ray::Shutdown();
}

std::vector<Operation> session_operations() {
  return {{"put", true, prepare_nothing, run_put},
          {"put, held", true, prepare_held, run_held_put},
          {"get", true, prepare_nothing, run_get},
          {"clone", true, prepare_held, run_clone},
          {"drop", true, prepare_drop, run_drop},
          {"take by id and drop, of another process", true, prepare_nothing, run_take_by_id},
          {"submit", true, prepare_submit, run_submit},
          {"task, 1000 at once", true, prepare_submit, run_task_async},
          {"actor call", true, prepare_nothing, run_actor_calls},
          {"actor call, 1000 at once", true, prepare_nothing, run_actor_calls_async},
          {"evict, whole", true, prepare_evict, run_evict, true}};
}

}  // namespace bench::micro
