// stress/mix_tasks.h: the tasks of the kill mix. Every payload is looked at wherever it arrives.
//   Process    run by workers: of the session's library (namespace shared), or of the driver's own template (own)
//   Errors     WrongData, NestedDied and Refused are the only exceptions that these functions throw
#pragma once

#include <ray/api.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "payload.h"

// Ray's C++ API knows references as arguments of tasks and nowhere else.
#ifdef MOBULA_EXPORT
#define MIX_ON_MOBULA
#include <mobula/draft.h>
#include <mobula/names.h>
#include <mobula/retention.h>
#include <mobula/view.h>
#endif

// Functions of a name that the session's library knows run there. Another name is what makes a template of one's own.
#ifdef MIX_OWN_TEMPLATE
#define MIX_TASKS own_tasks
#else
#define MIX_TASKS shared_tasks
#endif

namespace mix {

constexpr int kNestedTimeoutMs = 60'000;  // the driver's own deadline is shorter
constexpr const char *kNestedDied = "the worker of a nested task died";
constexpr const char *kRefused = "refused as asked";

inline void require_whole(const Payload &payload) {
  if (!is_whole(payload)) throw std::logic_error("wrong data in a task");
}

// Get inside of a task: a death below is told by a text of ours, which both systems pass on.
template <typename T>
T get_nested(const ray::ObjectRef<T> &reference) {
  try {
    return *ray::Get(reference, kNestedTimeoutMs);
  } catch (const ray::internal::RayWorkerException &) {
    throw std::runtime_error(kNestedDied);
  } catch (const ray::internal::RayActorException &) {
    throw std::runtime_error(kNestedDied);
  }
}

#ifdef MIX_ON_MOBULA
struct Node {
  Payload payload;
  std::vector<ray::ObjectRef<Node>> children;
  MSGPACK_DEFINE(payload, children)
};
#endif

}  // namespace mix

namespace MIX_TASKS {

using mix::Payload;

inline Payload make(std::uint64_t seed, std::uint64_t words) { return mix::make_payload(seed, words); }

// The short seed of a whole payload.
inline std::uint64_t check(Payload payload) {
  mix::require_whole(payload);
  return mix::short_seed(payload[0]);
}

inline std::uint64_t add(std::uint64_t left, std::uint64_t right) { return left + right; }

inline std::uint64_t refuse(std::uint64_t) { throw std::runtime_error(mix::kRefused); }

inline std::uint64_t spin(std::uint64_t duration_us) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(duration_us);
  while (std::chrono::steady_clock::now() < end) {
  }
  return duration_us;
}

// Defined below: they submit tasks of this namespace.
Payload relay(std::uint64_t seed, std::uint64_t words);
std::uint64_t tree(std::uint64_t depth);

#ifdef MIX_ON_MOBULA
using mix::Node;

inline ray::ObjectRef<Payload> put_and_return(std::uint64_t seed, std::uint64_t words) {
  return ray::Put(mix::make_payload(seed, words));
}

inline ray::ObjectRef<Payload> pass_on(ray::ObjectRef<Payload> reference) {
  mix::require_whole(mix::get_nested(reference));
  return reference;
}

inline std::uint64_t collect() { return mobula::collect_cycles().objects; }

inline std::uint64_t check_view(mobula::View<Payload> view) { return check(Payload(view.begin(), view.end())); }

inline mobula::DraftOf<Payload> make_in_place(std::uint64_t seed, std::uint64_t words) {
  auto draft = mobula::create<std::uint64_t>(words);
  const Payload payload = mix::make_payload(seed, words);
  std::copy(payload.begin(), payload.end(), draft.data());
  return draft;
}

// The sum of the short seeds.
inline std::uint64_t check_all(std::vector<ray::ObjectRef<Payload>> references) {
  std::uint64_t sum = 0;
  for (const ray::ObjectRef<Payload> &reference : references) sum += check(mix::get_nested(reference));
  return sum;
}

// An actor that counts its calls, and keeps what it is given. Its calls may run side by side.
class Cell {
 public:
  explicit Cell(std::uint64_t start) : count_(start) {}

  std::uint64_t count() { return ++count_; }
  std::uint64_t keep(std::vector<ray::ObjectRef<Payload>> references) {
    const std::lock_guard lock(mutex_);
    kept_ = std::move(references);
    return kept_.size();
  }
  // The short seed of what it keeps, 0 = nothing.
  std::uint64_t kept() {
    std::vector<ray::ObjectRef<Payload>> references;
    {
      const std::lock_guard lock(mutex_);
      references = kept_;
    }
    return references.empty() ? 0 : check(mix::get_nested(references[0]));
  }
  std::uint64_t leave() {
    ray::ExitActor();
    return 0;
  }
  std::uint64_t befriend(ray::ActorHandle<Cell> other) {
    const std::lock_guard lock(mutex_);
    friend_ = other;
    return ++count_;
  }

 private:
  std::atomic<std::uint64_t> count_;
  std::mutex mutex_;
  std::vector<ray::ObjectRef<Payload>> kept_;
  ray::ActorHandle<Cell> friend_;
};
inline Cell *make_cell(std::uint64_t start) { return new Cell(start); }
std::uint64_t count_in_task(ray::ActorHandle<Cell> cell);

// A node that contains the one with that name, once there is one; it does not wait for ever.
Node around(std::string name, std::uint64_t seed, std::uint64_t words);
// A payload, and the result of a task that makes the next one: `depth` of them below each other.
Node deep(std::uint64_t seed, std::uint64_t words, std::uint64_t depth);
#endif

}  // namespace MIX_TASKS

// Registers the text after expansion, so that the name tells the two kinds of template apart.
#define MIX_REMOTE(...) RAY_REMOTE(__VA_ARGS__)
#ifdef MIX_ON_MOBULA
MIX_REMOTE(MIX_TASKS::make, MIX_TASKS::check, MIX_TASKS::add, MIX_TASKS::refuse, MIX_TASKS::spin, MIX_TASKS::relay,
           MIX_TASKS::tree, MIX_TASKS::put_and_return, MIX_TASKS::pass_on, MIX_TASKS::check_all, MIX_TASKS::check_view,
           MIX_TASKS::collect, MIX_TASKS::make_in_place, MIX_TASKS::around, MIX_TASKS::deep, MIX_TASKS::make_cell,
           MIX_TASKS::count_in_task, &MIX_TASKS::Cell::count, &MIX_TASKS::Cell::keep, &MIX_TASKS::Cell::kept,
           &MIX_TASKS::Cell::befriend, &MIX_TASKS::Cell::leave)
#else
MIX_REMOTE(MIX_TASKS::make, MIX_TASKS::check, MIX_TASKS::add, MIX_TASKS::refuse, MIX_TASKS::spin, MIX_TASKS::relay,
           MIX_TASKS::tree)
#endif

namespace MIX_TASKS {

inline Payload relay(std::uint64_t seed, std::uint64_t words) {
  Payload payload = mix::get_nested(ray::Task(make).Remote(seed, words));
  if (!mix::is_payload_of(payload, seed, words)) throw std::logic_error("wrong data of a nested task");
  return payload;
}

// The number of leaves: 2^depth.
inline std::uint64_t tree(std::uint64_t depth) {
  if (depth == 0) return 1;
  const std::uint64_t below = depth - 1;
  const ray::ObjectRef<std::uint64_t> left = ray::Task(tree).Remote(below);
  const ray::ObjectRef<std::uint64_t> right = ray::Task(tree).Remote(below);
  return mix::get_nested(left) + mix::get_nested(right);
}

#ifdef MIX_ON_MOBULA
inline Node deep(std::uint64_t seed, std::uint64_t words, std::uint64_t depth) {
  Node node{mix::make_payload(seed, words), {}};
  if (depth > 1) node.children.push_back(ray::Task(deep).Remote(seed + 1, words, depth - 1));
  return node;
}

inline std::uint64_t count_in_task(ray::ActorHandle<Cell> cell) {
  return mix::get_nested(cell.Task(&Cell::count).Remote());
}

inline Node around(std::string name, std::uint64_t seed, std::uint64_t words) {
  constexpr int kLooksMax = 2'000;
  Node node{mix::make_payload(seed, words), {}};
  for (int i = 0; i < kLooksMax && node.children.empty(); ++i) {
    if (const auto other = mobula::lookup<Node>(name)) node.children.push_back(*other);
    std::this_thread::sleep_for(std::chrono::milliseconds(node.children.empty() ? 1 : 0));
  }
  return node;
}
#endif

}  // namespace MIX_TASKS
