// mobula/runtime.h: the untyped functions under the ray:: templates.
//   Threads    every function and const method may be called by any thread; one Draft or Call belongs to one thread
//   Process    acts for the process that called init(); in a child made by fork() every call answers kNotInitialized
//   Ownership  a Reference is one counted handle; Bytes stay valid while the Reference they came from lives
//   Errors     conditions come back as a Status (null = success); nothing here throws, except std::bad_alloc
//   Cost       Reference copy: one uncontended increment. create, seal, get of a settled object: no system call
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mobula/call_site.h"
#include "mobula/error.h"
#include "mobula/runtime_tasks.h"

namespace mobula {

// How the bytes of an object are to be read. The low 8 bits are the encoding; for kArray, bits 8..15 hold the Element,
// for kRaw, bits 8..31 the bytes of one element.
enum class Encoding : std::uint32_t { kMsgpack = 0, kString = 1, kArray = 2, kRaw = 3 };
enum class Element : std::uint32_t { kI8 = 1, kU8, kI16, kU16, kI32, kU32, kI64, kU64, kF32, kF64 };
using Format = std::uint32_t;
constexpr Format format_of(Encoding encoding) { return static_cast<Format>(encoding); }
constexpr Format format_of(Element element) {
  return static_cast<Format>(Encoding::kArray) | (static_cast<Format>(element) << 8);
}
// REQUIRES: element_bytes < 2^24.
constexpr Format format_of_raw(std::size_t element_bytes) {
  return static_cast<Format>(Encoding::kRaw) | (static_cast<Format>(element_bytes) << 8);
}

// Bytes of a settled object, read-only in the segment.
struct Bytes {
  const std::byte *data = nullptr;
  std::uint64_t size = 0;
  Format format = 0;
};

namespace client {
class Session;
}
namespace segment {
struct Row;
}

// Values up to this size lie in the object's header, whose pages all processes of the session map writable.
constexpr std::size_t kHeaderValueBytesMax = 112;

// One counted handle of one object. Empty, or valid until dropped; may outlive Shutdown (then it names nothing).
class MOBULA_EXPORT Reference {
 public:
  Reference() noexcept = default;
  Reference(const Reference &other) noexcept;
  Reference(Reference &&other) noexcept : session_(other.session_), row_(other.row_) {
    other.session_ = nullptr;
    other.row_ = nullptr;
  }
  Reference &operator=(const Reference &other) noexcept;
  Reference &operator=(Reference &&other) noexcept {
    if (this == &other) return *this;
    // The old handle goes last: it may be the only one of what the new one came out of.
    const Reference old(static_cast<Reference &&>(*this));
    session_ = other.session_;
    row_ = other.row_;
    other.session_ = nullptr;
    other.row_ = nullptr;
    return *this;
  }
  ~Reference() {
    if (row_ != nullptr) drop();
  }

  // Takes a handle by ObjectID (15 raw bytes). Empty when the object is gone or of another session.
  static Reference from_id(std::string_view id);
  // The ObjectID: 15 raw bytes, which fit the small-string buffer; "" when empty or after Shutdown.
  std::string id() const;
  bool empty() const noexcept { return row_ == nullptr; }

 private:
  friend class client::Session;
  Reference(client::Session *session, segment::Row *row) noexcept : session_(session), row_(row) {}
  void drop() noexcept;
  client::Session *session_ = nullptr;
  segment::Row *row_ = nullptr;
};

// An object being written. Dropping it aborts the object.
class MOBULA_EXPORT Draft {
 public:
  Draft() noexcept = default;
  Draft(Draft &&other) noexcept;
  Draft &operator=(Draft &&other) noexcept;
  ~Draft();
  std::byte *data() const noexcept { return data_; }
  std::uint64_t size() const noexcept { return bytes_; }
  Format format() const noexcept { return format_; }

 private:
  friend class client::Session;
  client::Session *session_ = nullptr;
  segment::Row *row_ = nullptr;
  std::byte *data_ = nullptr;
  std::uint64_t bytes_ = 0;
  Format format_ = 0;
};

// One weak reference of one object: it keeps the object from being freed when nobody refers to it any more, but not
// from being evicted. Empty, or valid until dropped; may outlive Shutdown (then it finds nothing). Copies count.
class MOBULA_EXPORT Weak {
 public:
  Weak() noexcept = default;
  Weak(const Weak &other);
  Weak(Weak &&other) noexcept;
  Weak &operator=(Weak other) noexcept;
  ~Weak();

  // kLimitReached when this process holds as many objects weakly as it may.
  static Status of(const Reference &reference, Weak *weak);
  // By ObjectID; the object may be gone. kObjectLost: no object of this session can have that id.
  static Status of_id(std::string_view id, Weak *weak);
  // A handle of the object; empty when it was evicted, or the session was left.
  Status lock(Reference *reference) const;
  std::string id() const;
  bool empty() const noexcept { return session_ == nullptr; }

 private:
  friend class client::Session;
  client::Session *session_ = nullptr;
  std::uint32_t entry_ = 0;
  std::uint64_t generation_ = 0;
};

// One running task, seen from the function that executes it.
class MOBULA_EXPORT Call {
 public:
  virtual std::size_t argument_count() const = 0;
  // REQUIRES: index < argument_count(). Reference arguments arrive as the bytes of the object they name.
  virtual Bytes argument(std::size_t index) const = 0;
  // A handle of its own for the object of a reference argument; empty for other arguments. REQUIRES: as above.
  virtual Reference argument_reference(std::size_t index) const = 0;
  // Writes the result: one copy into the segment. `contained` are the references packed inside the bytes.
  virtual Status set_result(const void *data, std::uint64_t bytes, Format format, const Reference *contained,
                            std::size_t contained_count) = 0;
  // The draft becomes the result; large ones without a copy.
  virtual Status set_result(Draft &&draft, const Reference *contained, std::size_t contained_count) = 0;
  // The actor that this call is for; null in tasks and in factories.
  virtual void *instance() const = 0;
  // Of a factory: the actor it made. `destroy` ends it when the actor ends in an orderly way.
  virtual void set_instance(void *instance, void (*destroy)(void *instance)) = 0;
  // All arguments are there: the user's function is called next.
  virtual void begin() {}

 protected:
  ~Call() = default;
};

// Decodes the arguments, calls the function stored at `target`, sets the result. Exceptions of the user pass through.
using Invoker = void (*)(const void *target, Call &call);

namespace runtime {

struct Options {
  std::string address;  // session name to attach to; "" = RAY_ADDRESS, else an embedded session
  bool local_mode = false;
  std::vector<std::string> head_args;  // --num-cpus N, --object-store-memory BYTES; others are ignored, as documented
  std::vector<std::string> code_search_path;  // libraries (or folders of them) that the workers load
  std::string name_space;                     // of the job; "" = one of its own
  bool detached_actors = false;               // actors outlive the job unless they say otherwise
  std::string runtime_env;                    // JSON, of the job's tasks and actors; "" = none
};

// Starts or joins a session. A repeated call without shutdown() is a no-op.
MOBULA_EXPORT Status init(const Options &options);
MOBULA_EXPORT bool is_initialized();
// Leaves the session; ends it when it was embedded. Idempotent. REQUIRES: no other thread is inside a call.
MOBULA_EXPORT void shutdown();

// Registers `name` for the function whose pointer (8 or 16 bytes) lies at `target`. The same pair twice is fine; one
// name for two functions is kept as an error, which init() and the worker template report. Called by static
// initialisers.
MOBULA_EXPORT void register_function(std::string_view name, const void *target, std::size_t target_bytes,
                                     Invoker invoker);
// The number by which tasks name the function, 0 when it was never registered with that invoker.
MOBULA_EXPORT std::uint64_t find_function(const void *target, std::size_t target_bytes, Invoker invoker);

// Room for an object of `bytes`. Waits for space when the store is full; kStoreFull after the put deadline.
// It is written down as made at `site`; null: at the innermost one of this thread (AtCallSite).
MOBULA_EXPORT Status create(std::uint64_t bytes, Format format, Draft *draft, const CallSite *site = nullptr);
// Makes it readable by all, writable by none. `contained` are the references packed inside.
MOBULA_EXPORT Status seal(Draft &&draft, const Reference *contained, std::size_t contained_count, Reference *reference);
// Above this many bytes an allocation is memory that the process has never touched (the C library's limit for reusing
// what was freed): filling it costs a page fault for each page.
constexpr std::uint64_t kFreshMemoryBytes = 32ull << 20;
// Asks the kernel for huge pages under memory of the caller's that he is about to fill as a whole. It may decline.
// Cost: a system call.
MOBULA_EXPORT void expect_to_fill(void *memory, std::uint64_t bytes) noexcept;

// Waits for one object; timeout_ms < 0 = for ever. An error of the task that was to make it is returned as its Status.
// A wait that sleeps is written down for `site`; null: for the innermost one of this thread (AtCallSite).
MOBULA_EXPORT Status get(const Reference &reference, std::int64_t timeout_ms, Bytes *bytes,
                         const CallSite *site = nullptr);
// Waits for all, then returns the first error in order, if any.
MOBULA_EXPORT Status get_all(const Reference *const *references, std::size_t count, std::int64_t timeout_ms,
                             Bytes *bytes);
// Waits until `wanted` of them are settled or the time is over; ready[i] tells which. More than `wanted` are not looked
// for. A failed object counts as ready.
MOBULA_EXPORT Status wait(const Reference *const *references, std::size_t count, std::size_t wanted,
                          std::int64_t timeout_ms, bool *ready);

// While one lives the raylet is not woken for each task that this thread submits, but once, by its end, or when this
// thread has to wait.
class MOBULA_EXPORT SubmitBatch {
 public:
  SubmitBatch() noexcept;  // batches of one thread nest
  ~SubmitBatch();
  SubmitBatch(const SubmitBatch &) = delete;
  SubmitBatch &operator=(const SubmitBatch &) = delete;
};

// Finds out of many references those that have settled, each once, in the order in which that is noticed.
class MOBULA_EXPORT Completion {
 public:
  // REQUIRES: each reference lives until next() has given its index. timeout_ms < 0 = for ever, counted from here.
  Completion(std::vector<const Reference *> references, std::int64_t timeout_ms);
  // Waits for one more. kTimeout when the time is over, for all together. REQUIRES: left() > 0.
  Status next(std::size_t *index);
  std::size_t left() const { return open_.size() + settled_.size(); }

 private:
  friend class client::Session;
  std::vector<const Reference *> references_;
  std::int64_t deadline_ns_;
  std::vector<std::uint32_t> open_;     // in order; not settled when last looked at
  std::vector<std::uint32_t> settled_;  // to be given, last first
  bool checked_ = false;                // they are of this session
  bool marked_ = false;                 // the waiter bits are set
};

// This process pins the object: it stays until as many unpins, or until this process has ended.
MOBULA_EXPORT Status pin(const Reference &reference);
// kInvalidArgument when this process has no pin on it.
MOBULA_EXPORT Status unpin(const Reference &reference);

// Keeps the object from being freed when nobody refers to it any more, until the eviction pass or retain(.., false).
// The session keeps it: it outlives this process.
MOBULA_EXPORT Status retain(const Reference &reference, bool retained);
// The session's name for the object. kInvalidArgument: the name is not 1 to 232 bytes, or, without `replace`, stands
// for an object. One message to the raylet and its answer.
MOBULA_EXPORT Status publish(std::string_view name, const Reference &reference, bool replace);
// `*done`: whether there was such a name.
MOBULA_EXPORT Status unpublish(std::string_view name, bool *done);
// An empty reference when no object has that name. No system call, and nobody is waited for.
MOBULA_EXPORT Status lookup(std::string_view name, Reference *reference);

// What a pass has freed.
struct Freed {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  // of their blocks
};
// The eviction pass, now: frees retained objects that nobody refers to, least recently taken first, until `bytes` are
// freed or none is left.
MOBULA_EXPORT Status evict(std::uint64_t bytes, Freed *freed);
// The mark pass, now: frees objects that only refer to each other.
MOBULA_EXPORT Status collect_cycles(Freed *freed);

// One object that the eviction pass has freed.
struct Eviction {
  std::string id;           // 15 raw bytes
  std::uint64_t bytes = 0;  // of its block
  bool was_named = false;
  bool was_weak = false;
  bool was_retained = false;
};
// `callback` is told of every object that is evicted from now on; an empty one ends it. It runs inside of calls of this
// process: deliver_evictions, evict, and look-ups and locks that find nothing. REQUIRES: it makes none of these calls.
MOBULA_EXPORT void on_evicted(std::function<void(const Eviction &)> callback);
// Returns how many evictions came too fast to be told, since the last call.
MOBULA_EXPORT std::uint64_t deliver_evictions();

// Who refers to an object.
struct RefCount {
  std::uint32_t processes = 0;          // that hold it
  std::uint64_t handles = 0;            // of these processes
  std::uint32_t raylet_references = 0;  // of queued and running tasks, and of objects that contain it
  std::uint64_t pins = 0;               // of these processes, and one for `mobula pin`
  bool named = false;                   // published
  bool weakly_held = false;
  bool retained = false;  // by retain
};
// Read from shared memory, nobody is asked. Exact when nothing runs; else each number was true at some moment of the
// call. O(handles of the processes that hold it).
MOBULA_EXPORT Status ref_count(const Reference &reference, RefCount *count);

enum class ProcessKind : std::uint32_t { kDriver = 1, kWorker = 2 };
// Specs of tasks and the buffers of large results count here as objects, too.
struct ProcessStats {
  std::uint32_t pid = 0;
  ProcessKind kind = ProcessKind::kDriver;
  std::uint64_t objects = 0;  // that it holds
  std::uint64_t handles = 0;
  std::uint64_t pins = 0;
  std::uint64_t hits = 0;  // look-ups by name and by weak reference that found their object
  std::uint64_t misses = 0;
};
struct StoreStats {
  std::uint64_t objects = 0;             // values and results
  std::uint64_t referenced_objects = 0;  // of these, held by a process or used by a task or container
  std::uint64_t pinned_objects = 0;
  std::uint64_t retained_objects = 0;   // named, weakly held, or retained
  std::uint64_t evictable_objects = 0;  // that the eviction pass may free now
  std::uint64_t handles = 0;            // of all processes, to all that the segment holds
  std::uint64_t raylet_references = 0;  // of tasks and containers
  std::uint64_t pins = 0;               // of all processes, and one for each `mobula pin`
  std::uint64_t freed = 0;              // since the session began
  std::uint64_t evictions = 0;          // of these, by the eviction pass
  std::uint64_t evicted_bytes = 0;
  std::uint64_t hits = 0;  // of all processes, ended ones included
  std::uint64_t misses = 0;
  std::uint64_t capacity_bytes = 0;
  std::uint64_t used_bytes = 0;    // by objects, rounded up to blocks
  std::uint64_t pooled_bytes = 0;  // kept ready by processes for their next objects
  std::uint64_t free_bytes = 0;
  std::uint64_t largest_free_bytes = 0;  // in one piece
  std::uint64_t retired_entries = 0;     // that have had all objects they can have: 2^48
  std::vector<ProcessStats> processes;   // those that have not ended

  std::uint64_t references() const { return handles + raylet_references; }
  // The part of the free bytes that is not in the largest piece: 0 to 1.
  double fragmentation() const {
    return free_bytes == 0 ? 0 : 1 - static_cast<double>(largest_free_bytes) / static_cast<double>(free_bytes);
  }
};
// As ref_count. O(objects and handles that there are).
MOBULA_EXPORT Status store_stats(StoreStats *stats);

// Packing a Reference inside a value calls note_contained; the encoder brackets the packing with a Collector.
MOBULA_EXPORT void note_contained(const Reference &reference);
class MOBULA_EXPORT Collector {
 public:
  Collector();  // collectors of one thread nest
  ~Collector();
  Collector(const Collector &) = delete;
  Collector &operator=(const Collector &) = delete;
  const Reference *data() const { return found_.data(); }
  std::size_t size() const { return found_.size(); }

 private:
  friend void note_contained(const Reference &);
  Collector *outer_;
  std::vector<Reference> found_;
};

// glibc hands control here before main: as a worker template when the raylet re-executed the program, else to main.
MOBULA_EXPORT int start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(), void (*fini)(),
                             void (*rtld_fini)(), void *stack_end);

// The mobula-worker program: forks workers for these libraries until the raylet goes. Returns the exit status.
MOBULA_EXPORT int serve_as_template(const std::string &socket_path, const std::vector<std::string> &libraries);

}  // namespace runtime
}  // namespace mobula
