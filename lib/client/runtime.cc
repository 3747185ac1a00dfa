// The exported functions of mobula/runtime.h, over the one session of the process.
#include "mobula/runtime.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/clock.h"
#include "client/current.h"
#include "client/embedded.h"
#include "client/functions.h"
#include "client/leak_check.h"
#include "client/local_mode.h"
#include "client/session.h"

namespace mobula {
namespace client {
namespace {

thread_local std::uint32_t batches_open = 0;

// Never destroyed: handles in static objects reach their session after main.
struct Process {
  std::mutex mutex;                         // of init and shutdown
  std::atomic<Session *> session{nullptr};  // null: not initialised
  pid_t raylet_pid = 0;                     // of an embedded session
  JobDefaults defaults;                     // of the session's job; set by init
  bool is_worker = false;                   // its session ends with the process: user code cannot leave it
  BecomeTemplate become_template = nullptr;
  std::vector<std::unique_ptr<Session>> outlived;  // left, but handles of theirs are still alive
};

Process &process() {
  static Process *const one = new Process;
  return *one;
}

// The child must never act as its parent; it may init anew.
void after_fork_in_child() {
  Session *const session = process().session.exchange(nullptr);
  if (session != nullptr) session->abandon_after_fork();
  process().raylet_pid = 0;
  process().is_worker = false;
  forget_local_mode_after_fork();
  forget_evictions_after_fork();
  new (&process().mutex) std::mutex;  // whoever held it is not in this process
}

std::string link_target(const std::string &path) {
  std::error_code code;
  return std::filesystem::read_symlink(path, code).string();
}

// The file that this process runs, even when it was replaced or deleted meanwhile. Under an emulator such as valgrind
// the kernel's link names the emulator; it shows the program's own path instead.
base::File open_own_program() {
  base::File program(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!program) base::throw_errno("open of /proc/self/exe");
  const std::string shown = link_target("/proc/self/exe");
  if (link_target(fmt::format("/proc/self/fd/{}", program.get())) == shown) return program;
  base::File emulated(open(shown.c_str(), O_RDONLY | O_CLOEXEC));
  return emulated ? std::move(emulated) : std::move(program);
}

std::vector<std::string> command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

// A random UUID (RFC 4122, version 4).
std::string random_uuid() {
  std::array<std::uint8_t, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) base::throw_errno("getrandom");
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

Status check_conflict() {
  const std::optional<std::string> conflict = Functions::instance().conflict();
  if (!conflict) return nullptr;
  return base::failure(
      Code::kInvalidArgument,
      fmt::format("RAY_REMOTE registered two different functions under the name '{}': rename one", *conflict));
}

Status open_session(const runtime::Options &options, pid_t *raylet_pid, base::File *socket) {
  const char *environment = std::getenv("RAY_ADDRESS");
  const std::string address = !options.address.empty() ? options.address : environment == nullptr ? "" : environment;
  if (!address.empty() && address != "local" && !options.local_mode) return wire::connect_to(address, socket);
  EmbeddedOptions embedded;
  const std::vector<std::string> libraries = options.local_mode ? std::vector<std::string>() : options.code_search_path;
  if (Status status = embedded_options(options.head_args, libraries, &embedded)) return status;
  return start_embedded(embedded, raylet_pid, socket);
}

void end_raylet(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
}

Status init_locked(Process &process, const runtime::Options &options) {
  if (Status status = check_conflict()) return status;
  pid_t raylet_pid = 0;
  base::File socket;
  if (Status status = open_session(options, &raylet_pid, &socket)) return status;
  wire::Hello hello;
  hello.role = wire::Role::kDriver;
  // In local mode nobody else is to run them, so no worker is started.
  if (!options.local_mode) hello.functions = Functions::instance().names();
  hello.arguments = command_line();
  hello.name_space = options.name_space.empty() ? random_uuid() : options.name_space;
  const std::string name_space = hello.name_space;
  const base::File program = open_own_program();
  std::unique_ptr<Session> session;
  Status status =
      Session::attach(std::move(socket), std::move(hello), {program.get(), STDOUT_FILENO, STDERR_FILENO}, &session);
  if (status != nullptr) {
    if (raylet_pid != 0) end_raylet(raylet_pid);
    return status;
  }
  prepare_leak_check();
  process.raylet_pid = raylet_pid;
  process.defaults = {options.detached_actors, options.runtime_env};
  if (options.local_mode) set_local_mode(std::make_unique<LocalMode>(*session, name_space));
  process.session.store(session.release(), std::memory_order_release);
  return nullptr;
}

}  // namespace

const JobDefaults &job_defaults() { return process().defaults; }

Status submit(Session &session, const Submission &submission, Reference *result) {
  if (LocalMode *const local = local_mode()) return local->submit(submission, result);
  const bool later = batches_open != 0;
  return session.submit(submission, later ? Outbox::Urgency::kWhenConvenient : Outbox::Urgency::kNow, result);
}

Status not_initialized() {
  return base::failure(Code::kNotInitialized, "this process is in no session: call ray::Init first");
}

Session *current_session() { return process().session.load(std::memory_order_acquire); }

pid_t embedded_raylet() { return process().raylet_pid; }

void protect_from_fork() {
  static const int registered = pthread_atfork(nullptr, nullptr, after_fork_in_child);
  static_cast<void>(registered);
}

void set_become_template(BecomeTemplate become_template) { process().become_template = become_template; }

void set_worker_session(std::unique_ptr<Session> session) {
  protect_from_fork();
  process().is_worker = true;
  process().session.store(session.release(), std::memory_order_release);
}

}  // namespace client

using client::current_session;
using client::not_initialized;
using client::Session;

namespace runtime {
namespace {

thread_local Collector *innermost_collector = nullptr;

}  // namespace

Status init(const Options &options) {
  client::Process &process = client::process();
  const std::lock_guard lock(process.mutex);
  if (current_session() != nullptr) return nullptr;
  if (process.become_template != nullptr && std::getenv("MOBULA_TEMPLATE_NUMBER") != nullptr) process.become_template();
  client::protect_from_fork();
  try {
    return client::init_locked(process, options);
  } catch (const std::exception &fault) {  // also of the mapping library: no address space left
    return base::failure(Code::kInvalidArgument, fault.what());
  }
}

bool is_initialized() { return current_session() != nullptr; }

void shutdown() {
  client::Process &process = client::process();
  const std::lock_guard lock(process.mutex);
  if (process.is_worker) return;
  client::set_local_mode(nullptr);  // its actors' destructors may still use the session
  Session *const session = process.session.exchange(nullptr);
  if (session == nullptr) return;
  client::check_leaks(*session);
  const pid_t raylet_pid = std::exchange(process.raylet_pid, 0);
  if (raylet_pid != 0) {
    wire::StopReply reply;
    static_cast<void>(wire::ask(session->socket(), wire::StopRequest{}, &reply));  // a dead raylet needs no stopping
  }
  std::unique_ptr<Session> left(session);
  const bool outlived = left->handles_alive() != 0;
  left->leave();
  if (outlived) process.outlived.push_back(std::move(left));
  if (raylet_pid != 0) client::end_raylet(raylet_pid);
}

void register_function(std::string_view name, const void *target, std::size_t target_bytes, Invoker invoker) {
  client::Functions::instance().add(name, target, target_bytes, invoker);
}

std::uint64_t find_function(const void *target, std::size_t target_bytes, Invoker invoker) {
  return client::Functions::instance().number_of(target, target_bytes, invoker);
}

Status create(std::uint64_t bytes, Format format, Draft *draft, const CallSite *site) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->create(bytes, format, segment::Kind::kValue, draft, site);
}

Status seal(Draft &&draft, const Reference *contained, std::size_t contained_count, Reference *reference) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized()
                            : session->seal(std::move(draft), {contained, contained_count}, reference);
}

Status get(const Reference &reference, std::int64_t timeout_ms, Bytes *bytes, const CallSite *site) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  return session->get(reference, base::deadline_after_ms(timeout_ms), bytes, site);
}

void expect_to_fill(void *memory, std::uint64_t bytes) noexcept {
  const auto page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::uintptr_t first = (reinterpret_cast<std::uintptr_t>(memory) + page_bytes - 1) / page_bytes * page_bytes;
  const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page_bytes * page_bytes;
  if (first < end) madvise(reinterpret_cast<void *>(first), end - first, MADV_HUGEPAGE);
}

Status get_all(const Reference *const *references, std::size_t count, std::int64_t timeout_ms, Bytes *bytes) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  const std::int64_t deadline_ns = base::deadline_after_ms(timeout_ms);
  const std::unique_ptr<bool[]> ready(new bool[count]);
  if (Status status = session->wait({references, count}, count, deadline_ns, ready.get())) return status;
  for (std::size_t i = 0; i < count; ++i) {
    Status status = ready[i] ? session->read(Session::name_of(*references[i]), &bytes[i])
                             : session->get(*references[i], deadline_ns, &bytes[i]);
    if (status != nullptr) return status;
  }
  return nullptr;
}

Status wait(const Reference *const *references, std::size_t count, std::size_t wanted, std::int64_t timeout_ms,
            bool *ready) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  return session->wait({references, count}, wanted, base::deadline_after_ms(timeout_ms), ready);
}

Status submit(std::uint64_t function, const Argument *arguments, std::size_t count, const TaskOptions &options,
              Reference *result) {
  Session *const session = current_session();
  if (session == nullptr) return not_initialized();
  const std::string &runtime_env = client::job_defaults().runtime_env;
  if (runtime_env.empty() || !options.runtime_env.empty()) {
    return client::submit(*session, {function, {arguments, count}, options}, result);
  }
  TaskOptions complete = options;
  complete.runtime_env = runtime_env;
  return client::submit(*session, {function, {arguments, count}, complete}, result);
}

SubmitBatch::SubmitBatch() noexcept { ++client::batches_open; }

SubmitBatch::~SubmitBatch() {
  if (--client::batches_open != 0) return;
  Session *const session = current_session();
  if (session != nullptr) session->outbox().wake_raylet();
}

Completion::Completion(std::vector<const Reference *> references, std::int64_t timeout_ms)
    : references_(std::move(references)), deadline_ns_(base::deadline_after_ms(timeout_ms)) {
  open_.resize(references_.size());
  std::iota(open_.begin(), open_.end(), 0u);
}

Status Completion::next(std::size_t *index) {
  if (settled_.empty()) {
    Session *const session = current_session();
    if (session == nullptr) return not_initialized();
    if (Status status = session->collect_settled(*this)) return status;
  }
  *index = settled_.back();
  settled_.pop_back();
  return nullptr;
}

Status pin(const Reference &reference) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->pin(reference);
}

Status unpin(const Reference &reference) {
  Session *const session = current_session();
  return session == nullptr ? not_initialized() : session->unpin(reference);
}

void note_contained(const Reference &reference) {
  if (innermost_collector != nullptr && !reference.empty()) innermost_collector->found_.push_back(reference);
}

Collector::Collector() : outer_(innermost_collector) { innermost_collector = this; }
Collector::~Collector() { innermost_collector = outer_; }

}  // namespace runtime
}  // namespace mobula
