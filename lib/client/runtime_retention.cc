// The exported functions for what outlives its references.
#include <atomic>
#include <mutex>

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
  std::mutex mutex;  // of callback and read; held while the callback runs
  std::function<void(const runtime::Eviction &)> callback;
  std::uint64_t read = 0;
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
  if (reference->empty()) deliver_evictions();
  return nullptr;
}

Status evict(std::uint64_t bytes, Freed *freed) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  Status status = session->evict(bytes, freed);
  deliver_evictions();
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
  watcher.read = session == nullptr ? 0 : session->evictions_so_far();
  watcher.is_wanted.store(callback != nullptr, std::memory_order_relaxed);
  watcher.callback = std::move(callback);
}

std::uint64_t deliver_evictions() {
  Watcher &watcher = Watcher::instance();
  Session *const session = current_session();
  if (session == nullptr || !watcher.is_wanted.load(std::memory_order_relaxed)) return 0;
  const std::lock_guard lock(watcher.mutex);
  std::vector<Eviction> evictions;
  const std::uint64_t missed = session->read_evictions(&watcher.read, &evictions);
  for (const Eviction &eviction : evictions) {
    if (watcher.callback) watcher.callback(eviction);
  }
  return missed;
}

}  // namespace runtime
}  // namespace mobula
