// The exported functions for what outlives its references.
#include <atomic>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>

#include "client/current.h"
#include "client/session.h"

namespace mobula {
namespace {

// Who is told of evictions. Never destroyed: calls may come after main.
struct Watcher {
  static Watcher &instance() {
    static Watcher *const one = new Watcher;
    return *one;
  }

  // REQUIRES: the lock is held.
  void follow(const client::Session &session) {
    if (std::exchange(epoch, session.epoch()) != session.epoch()) read = session.evictions_so_far();
  }
  // A callback that throws leaves the rest for the next time. REQUIRES: the lock is held.
  void tell(const client::Session &session) {
    follow(session);
    std::vector<runtime::Eviction> evictions;
    missed += session.read_evictions(&read, &evictions);
    untold.insert(untold.end(), std::make_move_iterator(evictions.begin()), std::make_move_iterator(evictions.end()));
    while (!untold.empty()) {
      const runtime::Eviction next = std::move(untold.front());
      untold.pop_front();
      if (callback) callback(next);
    }
  }

  std::mutex mutex;  // of all but is_wanted; held while the callback runs
  std::function<void(const runtime::Eviction &)> callback;
  std::uint64_t epoch = 0;  // of the session that `read` belongs to
  std::uint64_t read = 0;
  std::uint64_t missed = 0;
  std::deque<runtime::Eviction> untold;
  std::atomic<bool> is_wanted{false};
};

}  // namespace

namespace client {

// Whoever held the lock is not in this process.
void forget_evictions_after_fork() {
  Watcher &watcher = Watcher::instance();
  new (&watcher.mutex) std::mutex;
  watcher.is_wanted = false;
}

void tell_evictions() {
  Watcher &watcher = Watcher::instance();
  Session *const session = current_session();
  if (session == nullptr || !watcher.is_wanted.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(watcher.mutex, std::try_to_lock);
  if (lock.owns_lock()) watcher.tell(*session);
}

}  // namespace client

namespace runtime {

using client::current_session;
using client::not_initialized;
using client::Session;

Status retain(const Reference &reference, bool retained) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->retain(reference, retained);
}

Status publish(std::string_view name, const Reference &reference, bool replace) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->publish(name, reference, replace);
}

Status unpublish(std::string_view name, bool *done) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->unpublish(name, done);
}

Status lookup(std::string_view name, Reference *reference) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  if (Status status = session->lookup(name, reference)) return status;
  if (reference->empty()) client::tell_evictions();
  return nullptr;
}

Status evict(std::uint64_t bytes, Freed *freed) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  Status status = session->evict(bytes, freed);
  client::tell_evictions();
  return status;
}

Status collect_cycles(Freed *freed) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->collect_cycles(freed);
}

void on_evicted(std::function<void(const Eviction &)> callback) {
  Watcher &watcher = Watcher::instance();
  Session *const session = current_session();
  const std::lock_guard lock(watcher.mutex);
  watcher.epoch = 0;  // from now on
  if (session != nullptr) watcher.follow(*session);
  watcher.untold.clear();
  watcher.missed = 0;
  watcher.is_wanted.store(callback != nullptr, std::memory_order_relaxed);
  watcher.callback = std::move(callback);
}

std::uint64_t deliver_evictions() {
  Watcher &watcher = Watcher::instance();
  Session *const session = current_session();
  if (session == nullptr || !watcher.is_wanted.load(std::memory_order_relaxed)) return 0;
  const std::lock_guard lock(watcher.mutex);
  watcher.tell(*session);
  return std::exchange(watcher.missed, 0);
}

}  // namespace runtime
}  // namespace mobula
