// client/session.h: this process's membership of one session: objects, waits and tasks over the segment.
//   Threads    thread-safe; the control socket is used under a lock of its own
//   Process    one process; after a fork() the child's copy is dead and touches nothing
//   Crash      see refs/references.h; the raylet reaps what a dead client leaves
//   Ownership  lives until the process ends, so that handles may outlive Shutdown; leave() empties it
//   Errors     conditions as Status
//   Cost       create, seal, get, copy, drop: no system call once warm
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "client/activities.h"
#include "client/leaks.h"
#include "client/outbox.h"
#include "client/pools.h"
#include "client/waiter.h"
#include "client/weak_names.h"
#include "mobula/runtime.h"
#include "refs/references.h"
#include "segment/segment.h"
#include "wire/socket.h"

namespace mobula::client {

// What is to be submitted: a task, the making of an actor, or a call of one.
struct Submission {
  std::uint64_t function = 0;
  std::span<const runtime::Argument> arguments;
  const runtime::TaskOptions &options;
  const runtime::ActorOptions *creation = nullptr;  // set: the function makes an actor
  const Reference *actor = nullptr;                 // set: the function is a method of it
  std::int32_t instance_offset = 0;
};

class Session {
 public:
  // Says hello on a connected control socket and maps the segment that comes back.
  static Status attach(base::File socket, wire::Hello hello, const std::vector<int> &descriptors,
                       std::unique_ptr<Session> *session);
  ~Session();

  // Leaves the session: the raylet reaps this client. REQUIRES: no other thread is inside a call.
  void leave();
  // Handles, drafts and weak references of this process that are still alive: while there are any the Session must
  // stay.
  std::size_t handles_alive() const { return references_->rows_in_use() - pools_->rows_kept() + weak_names_->alive(); }
  // One look at what keeps the session from being empty, after the raylet has read what this process told it.
  void find_leaks(Leaks *leaks);
  // In a child made by fork(): the mapping is not there, so every handle and call must do nothing.
  void abandon_after_fork() { live_.store(false, std::memory_order_relaxed); }
  bool is_live() const { return live_.load(std::memory_order_acquire); }

  // --- objects ---------------------------------------------------------------------------------------------------
  // Without a `site`: for the innermost one of this thread.
  Status create(std::uint64_t bytes, Format format, segment::Kind kind, Draft *draft, const CallSite *site = nullptr);
  Status seal(Draft &&draft, std::span<const Reference> contained, Reference *reference);
  // The same for the words of a failure (tasks::encode_error): who gets the object, gets that error.
  Status seal_failed(Draft &&draft, Reference *reference);
  // The same for the bytes of a task's result, which are no object of their own.
  Status seal_buffer(Draft &&draft, Reference *reference);
  // Without a `site` a wait is written down for the innermost one of this thread.
  Status get(const Reference &reference, std::int64_t deadline_ns, Bytes *bytes, const CallSite *site = nullptr);
  // Waits until `wanted` are settled; ready[i] tells which.
  Status wait(std::span<const Reference *const> references, std::size_t wanted, std::int64_t deadline_ns, bool *ready);
  // Waits until one of the completion's open references is settled, and moves all that are to its settled ones.
  Status collect_settled(runtime::Completion &completion);
  Status pin(const Reference &reference);
  Status unpin(const Reference &reference);
  // Gives the caller's handle back and frees the object now, unless somebody else still refers to it.
  Status delete_object(Reference reference, bool *deleted);

  Reference take(refs::ObjectName name);
  Reference take(std::string_view id);
  std::string id_of(const Reference &reference) const;
  static refs::ObjectName name_of(const Reference &reference) { return refs::References::name_of(*reference.row_); }

  // --- retention, session_retention.cc -----------------------------------------------------------------------------
  Status retain(const Reference &reference, bool retained);
  Status publish(std::string_view name, const Reference &reference, bool replace);
  Status unpublish(std::string_view name, bool *done);
  // An empty reference when no object has that name.
  Status lookup(std::string_view name, Reference *reference);
  Status hold_weakly(const Reference &reference, Weak *weak);
  Status hold_weakly(std::string_view id, Weak *weak);
  // An empty reference when it was evicted, or the session was left.
  Status lock(refs::ObjectName name, Reference *reference);
  std::string id_of(refs::ObjectName name) const;
  Status evict(std::uint64_t bytes, runtime::Freed *freed);
  Status collect_cycles(runtime::Freed *freed);
  std::uint64_t evictions_so_far() const;
  // Tells this session from all others.
  std::uint64_t epoch() const { return is_live() ? segment_->header().epoch : 0; }
  // Those after number `*read`. Returns how many were missed.
  std::uint64_t read_evictions(std::uint64_t *read, std::vector<runtime::Eviction> *evictions) const;

  // --- figures, figures.cc -----------------------------------------------------------------------------------------
  Status ref_count(const Reference &reference, runtime::RefCount *count) const;
  Status store_stats(runtime::StoreStats *stats) const;

  // --- tasks -----------------------------------------------------------------------------------------------------
  // With Urgency::kWhenConvenient the caller wakes the raylet later. `result` of a creation is the actor's handle.
  Status submit(const Submission &submission, Outbox::Urgency urgency, Reference *result);
  // An empty reference when no living actor has that name.
  Status find_actor(std::string_view name, std::string_view name_space, Reference *actor);
  Status kill_actor(const Reference &actor, bool no_restart);
  Status job_namespace(std::string *name_space);
  Status cancel(const Reference &result, bool force);
  Status ask_groups(std::string question, std::string *answer);
  Status wait_for_group(std::string_view id, std::int64_t deadline_ns, bool *ready);

  // --- used by the handle types ------------------------------------------------------------------------------------
  void copy_handle(segment::Row &row) noexcept {
    if (!is_live()) return;
    refs::References::copy(row);
    if (references_->logs_copies()) [[unlikely]]
      references_->log_copy(row);
  }
  void drop_handle(segment::Row &row) noexcept;
  void abort(Draft &draft) noexcept;
  void copy_weak(refs::ObjectName name);
  void drop_weak(refs::ObjectName name) noexcept;

  // --- used by the worker ----------------------------------------------------------------------------------------
  segment::Segment &segment() { return *segment_; }
  Waiter &waiter() { return *waiter_; }
  Outbox &outbox() { return *outbox_; }
  refs::References &references() { return *references_; }
  Activities &activities() { return *activities_; }
  std::uint32_t pid() const { return pid_; }
  std::uint32_t client_id() const { return client_id_; }
  // Bytes of a settled entry that the caller or the raylet holds.
  Status read(refs::ObjectName name, Bytes *bytes);
  // Makes a worker's waits tell the raylet that its slot is free. Set while a task runs.
  void set_running_task(bool running) {
    running_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    running_task_.store(running, std::memory_order_relaxed);
  }
  // Tells the raylet that the references are packed inside the container. REQUIRES: it is not sealed yet.
  void send_contained(refs::ObjectName container, std::span<const refs::ObjectName> contained);
  // The names of references that are about to be told to others.
  static std::vector<refs::ObjectName> shared_names(std::span<const Reference> references);

  const std::string &name() const { return name_; }
  int socket() const { return socket_.get(); }

 private:
  Session();
  void open_rings(base::File raylet_event);

  // A question to the raylet over the control socket.
  template <typename Request, typename Reply>
  Status ask(const Request &request, Reply *reply) {
    if (Status status = usable()) return status;
    const std::lock_guard lock(socket_mutex_);
    return wire::ask(socket_.get(), request, reply);
  }
  // An empty reference when the object is gone.
  Status take_if_there(refs::ObjectName name, Reference *reference);
  Status hold_weakly(refs::ObjectName name, Weak *weak);
  void count_look_up(bool hit);
  Status pop_entry(std::uint64_t bytes, PooledEntry *pooled);
  Status wait_for_entry(std::uint64_t bytes, PooledEntry *pooled);
  Status full_store_error(std::uint64_t bytes, std::int64_t waited_ms);
  // A row of ours on a FREE entry that is now CREATING or PENDING.
  Status begin_entry(std::uint64_t bytes, refs::State state, segment::Row **row);
  void keep_or_return(const PooledEntry &entry);
  Status take_name(refs::ObjectName name, segment::Row **row);
  Status wait_for_rows(std::uint32_t chunks_before);
  Status pending_result(Reference *result);
  Status spec_object(const Submission &submission, Reference *spec);
  bool is_settled(const Reference &reference) const;
  void tell_blocked(const wire::Awaited *awaited);
  template <typename Ready, typename BeforeSleep>
  segment::Wake wait_for_objects(Ready ready, std::int64_t deadline_ns, BeforeSleep before_sleep);
  Status wait_for_one(const Reference &reference, std::int64_t deadline_ns, const CallSite *site);
  // Both end when all, or `missing` of the open ones, are settled, and take these out of `open`.
  segment::Wake wait_for_all(std::span<const Reference *const> references, std::vector<std::uint32_t> *open,
                             std::int64_t deadline_ns, bool *ready);
  segment::Wake wait_for_some(std::span<const Reference *const> references, std::vector<std::uint32_t> *open,
                              std::size_t missing, std::int64_t deadline_ns, bool *ready);
  void prefetch(const Reference &reference) const;
  wire::Awaited awaited_of(std::span<const Reference *const> references, std::span<const std::uint32_t> open,
                           std::size_t needed, std::int64_t deadline_ns) const;
  Status read_failure(refs::ObjectName name, std::uint64_t word);
  Status read_words(const segment::Verdict &verdict) const;
  Status read_forward(const segment::EntryHeader &header, Bytes *bytes) const;
  Status read_plain(const segment::EntryHeader &header, Bytes *bytes) const;
  // Null when calls can be served: the session is live and so is its raylet.
  Status usable() const;
  // Null when the reference belongs to this session.
  Status own(const Reference &reference) const;

  std::atomic<bool> live_{true};
  std::string name_;
  std::uint32_t client_id_ = 0;
  std::uint32_t pid_ = 0;
  base::File socket_;
  std::mutex socket_mutex_;
  std::unique_ptr<segment::Segment> segment_;
  std::unique_ptr<refs::References> references_;
  std::unique_ptr<Waiter> waiter_;
  std::unique_ptr<Activities> activities_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Pools> pools_;
  std::unique_ptr<WeakNames> weak_names_;
  std::int64_t put_timeout_ms_ = base::kPutTimeoutMsDefault;
  std::atomic<bool> running_task_{false};
  std::atomic<std::thread::id> running_thread_{};  // on which the task began
  std::mutex blocked_mutex_;                       // the raylet must hear of blocked and unblocked in turns
  std::uint32_t blocked_threads_ = 0;
};

}  // namespace mobula::client
