// 200 workers that come to their end in 8 ways, in seeded order: what Get throws, and what the session writes down.
#include <doctest/doctest.h>
#include <mobula/cancel.h>
#include <mobula/task.h>
#include <sys/resource.h>

#include <csignal>
#include <optional>
#include <random>
#include <thread>

#include "objects/history.h"
#include "process/session_case.h"
#include "refs/object_id.h"
#include "segment/sites.h"
#include "tools/doctor.h"

using namespace mobula;
using namespace mobula::process;
using mobula::support::require;
using segment::DeathCause;
using IntRef = ray::ObjectRef<int>;

namespace {

constexpr std::uint32_t kSeed = 20'260'801;
constexpr int kDeathsOfEachKind = 25;
constexpr std::size_t kGroupBytes = 64u << 20;
constexpr std::size_t kTooMuchBytes = 4ull << 30;

// Tells the driver which process it is; no core file is to be left.
void announce(const std::string &path) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  std::ofstream(path + ".new") << ::getpid();
  std::filesystem::rename(path + ".new", path);
}

int exit_by_itself(std::string path, int status) {
  announce(path);
  ::_exit(status);
}
int throw_in_a_thread(std::string path) {
  announce(path);
  std::thread([] { throw std::runtime_error("nobody catches this"); }).join();
  return 0;
}
int call_abort(std::string path) {
  announce(path);
  std::abort();
}
int write_nowhere(std::string path) {
  announce(path);
  ::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would make an exit of it
  volatile int *volatile nowhere = nullptr;
  *nowhere = 1;
  return 0;
}
int wait_for_kill(std::string path) {
  announce(path);
  for (;;) ::pause();
}
int wait_for_term(std::string path) {
  announce(path);
  for (;;) ::pause();
}
// The allocation fails where no exception may pass.
void allocate_too_much() noexcept {
  const std::vector<char> much(kTooMuchBytes, 'x');
  static_cast<void>(much.at(1));
}
int reach_the_memory_limit(std::string path) {
  announce(path);
  const rlimit limit{kTooMuchBytes, kTooMuchBytes};
  ::setrlimit(RLIMIT_AS, &limit);
  allocate_too_much();
  return 0;
}
int wait_for_cancel(std::string path) {
  announce(path);
  for (;;) ::pause();
}
// In a control group with less memory than it uses.
int use_up_the_group(std::string path, std::string group) {
  announce(path);
  std::ofstream(group + "/cgroup.procs") << ::getpid() << std::flush;
  const std::vector<char> much(4 * kGroupBytes, 'x');
  return much.at(1);
}
RAY_REMOTE(exit_by_itself, throw_in_a_thread, call_abort, write_nowhere, wait_for_kill, wait_for_term,
           reach_the_memory_limit, wait_for_cancel, use_up_the_group);

// One death: how it is brought about, and what must be said of it.
struct Kind {
  const char *function;
  std::function<IntRef(const std::string &path)> submit;
  std::function<void(const IntRef &task, pid_t worker)> end;  // none: it ends by itself
  DeathCause cause = DeathCause::kSignal;
  int code = 0;  // exit status or signal, as the record has it
  std::string words;
};

template <typename Function>
std::function<IntRef(const std::string &)> submitter(Function function) {
  return [function](const std::string &path) { return with_retries(ray::Task(function), 0).Remote(path); };
}
std::function<void(const IntRef &, pid_t)> sender(int signal) {
  return [signal](const IntRef &, pid_t worker) { ::kill(worker, signal); };
}

Kind exit_kind(int status) {
  return {"exit_by_itself",
          [status](const std::string &path) { return with_retries(ray::Task(exit_by_itself), 0).Remote(path, status); },
          {},
          DeathCause::kExited,
          status,
          "exit status " + std::to_string(status)};
}

std::vector<Kind> kinds(int exit_status) {
  const auto cancel = [](const IntRef &task, pid_t) { mobula::cancel(task, true); };
  return {
      exit_kind(exit_status),
      {"throw_in_a_thread", submitter(throw_in_a_thread), {}, DeathCause::kSignal, SIGABRT, "killed by SIGABRT"},
      {"call_abort", submitter(call_abort), {}, DeathCause::kSignal, SIGABRT, "killed by SIGABRT"},
      {"write_nowhere", submitter(write_nowhere), {}, DeathCause::kSignal, SIGSEGV, "killed by SIGSEGV"},
      {"wait_for_kill", submitter(wait_for_kill), sender(SIGKILL), DeathCause::kSignal, SIGKILL, "killed by SIGKILL"},
      {"wait_for_term", submitter(wait_for_term), sender(SIGTERM), DeathCause::kSignal, SIGTERM, "killed by SIGTERM"},
      {"reach_the_memory_limit",
       submitter(reach_the_memory_limit),
       {},
       DeathCause::kSignal,
       SIGABRT,
       "killed by SIGABRT"},
      {"wait_for_cancel", submitter(wait_for_cancel), cancel, DeathCause::kCancelled, SIGKILL,
       "killed: its task was cancelled"}};
}

pid_t await_pid(const std::string &path) {
  require(eventually([&] { return std::filesystem::exists(path); }, 10'000), "the task has not begun");
  pid_t pid = 0;
  std::ifstream(path) >> pid;
  std::filesystem::remove(path);
  return pid;
}

// What is wrong with what Get throws; "" when nothing is.
std::string wrong_in_exception(const Kind &kind, const IntRef &task, pid_t worker) {
  Error error;
  bool is_expected = false;
  try {
    task.Get();
    return "Get returned; ";
  } catch (const ray::internal::RayWorkerException &problem) {
    error = problem.error();
    is_expected = kind.cause != DeathCause::kCancelled;
  } catch (const ray::internal::RayCancelledException &problem) {
    error = problem.error();
    is_expected = kind.cause == DeathCause::kCancelled;
  }
  std::string wrong;
  if (!is_expected) wrong += "another exception; ";
  if (error.function != kind.function) wrong += "of " + error.function + "; ";
  if (!contains(error.message, kind.function)) wrong += "no function in the text; ";
  const int signal = kind.cause == DeathCause::kExited ? 0 : kind.code;
  if (error.pid != worker) wrong += "pid " + std::to_string(error.pid) + "; ";
  if (error.signal != signal) wrong += "signal " + std::to_string(error.signal) + "; ";
  if (!contains(error.message, std::to_string(worker))) wrong += "no pid in the text; ";
  if (signal != 0 && !contains(error.message, "killed by signal " + std::to_string(signal) + " "))
    wrong += "no signal in the text; ";
  if (signal == 0 && !contains(error.message, "ended with exit status " + std::to_string(kind.code) + " "))
    wrong += "no exit status in the text; ";
  return wrong.empty() ? "" : wrong + "text: " + error.message;
}

std::optional<objects::DeathRecord> record_of(const segment::Segment &segment, std::uint64_t after, pid_t worker) {
  for (const objects::DeathRecord &death : objects::read_deaths(segment)) {
    if (death.number > after && death.pid == static_cast<std::uint32_t>(worker)) return death;
  }
  return std::nullopt;
}

std::string wrong_in_record(const segment::Segment &segment, const Kind &kind, const objects::DeathRecord &death,
                            const std::string &id) {
  std::string wrong;
  const segment::SiteCopy site = segment::read_site(segment, death.task_site);
  if (death.kind != segment::ClientKind::kWorker) wrong += "no worker; ";
  if (death.cause != kind.cause) wrong += std::string("cause ") + segment::name_of(death.cause) + "; ";
  if (death.code != kind.code) wrong += "code " + std::to_string(death.code) + "; ";
  if (site.kind != segment::SiteKind::kTask || site.function != kind.function) wrong += "at " + describe(site) + "; ";
  if (refs::encode_id(segment.header().epoch, death.task) != id) wrong += "of another task; ";
  if (objects::describe(death) != kind.words) wrong += "words: " + objects::describe(death) + "; ";
  return wrong;
}

// Brings it about. "" when both reports are right.
std::string wrong_after(const segment::Segment &segment, const Kind &kind) {
  const std::string path = case_folder() + "/pid";
  const std::uint64_t before = segment.header().deaths.load();
  const IntRef task = kind.submit(path);
  const pid_t worker = await_pid(path);
  if (kind.end) kind.end(task, worker);
  std::string wrong = wrong_in_exception(kind, task, worker);
  std::optional<objects::DeathRecord> death;
  eventually([&] { return (death = record_of(segment, before, worker)).has_value(); });
  wrong += death ? wrong_in_record(segment, kind, *death, task.ID()) : "no record";
  return wrong.empty() ? "" : std::string(kind.function) + ": " + wrong + "\n";
}

// The folder of our memory control group, of version 2 or 1; "" when there is none.
std::string own_memory_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t version_1 = line.find(":memory:");
    if (version_1 != std::string::npos) return "/sys/fs/cgroup/memory" + line.substr(version_1 + 8);
    if (line.starts_with("0::") && std::filesystem::exists("/sys/fs/cgroup" + line.substr(3) + "/memory.max"))
      return "/sys/fs/cgroup" + line.substr(3);
  }
  return "";
}

// A group of its own with kGroupBytes of memory; "" when we may not make one.
std::string make_memory_group() {
  const std::string folder = own_memory_group() + "/mobula-induced-deaths-" + std::to_string(::getpid());
  std::error_code code;
  if (own_memory_group().empty() || !std::filesystem::create_directory(folder, code)) return "";
  for (const char *name : {"/memory.max", "/memory.limit_in_bytes"}) {
    if (!std::filesystem::exists(folder + name)) continue;
    if (std::ofstream(folder + name) << kGroupBytes << std::flush) return folder;
  }
  ::rmdir(folder.c_str());
  return "";
}

}  // namespace

TEST_SUITE("process/induced_deaths") {
  TEST_CASE("200 deaths of 8 kinds: cause, pid, signal and task are right in each report") {
    CHECK(in_session(small_session(200'000), [] {
      std::unique_ptr<segment::Segment> segment;
      const Status status = tools::open_segment_of(raylet_of(own_session()), &segment);
      require(status == nullptr, status ? status->message : "");
      std::mt19937 random(kSeed);
      std::vector<Kind> all;
      for (int i = 0; i < kDeathsOfEachKind; ++i) {
        for (Kind &kind : kinds(static_cast<int>(random() % 256))) all.push_back(std::move(kind));
      }
      std::shuffle(all.begin(), all.end(), random);
      std::size_t right = 0;
      std::string mistakes;
      for (const Kind &kind : all) {
        const std::string wrong = wrong_after(*segment, kind);
        right += wrong.empty() ? 1 : 0;
        mistakes += wrong;
      }
      require(right == 200, std::to_string(right) + " of 200 are right\n" + mistakes.substr(0, 4'000));
    }));
  }

  TEST_CASE("a worker that the kernel kills for its memory has died of that") {
    const std::string group = make_memory_group();
    if (group.empty()) {
      MESSAGE("no control group may be made here: skipped");
      return;
    }
    CHECK(in_session([&group] {
      std::unique_ptr<segment::Segment> segment;
      const Status status = tools::open_segment_of(raylet_of(own_session()), &segment);
      require(status == nullptr, status ? status->message : "");
      const auto submit = [&group](const std::string &path) {
        return with_retries(ray::Task(use_up_the_group), 0).Remote(path, group);
      };
      Kind kind{"use_up_the_group", submit, {}, DeathCause::kMemory, SIGKILL, "killed by the kernel: no memory"};
      const std::string wrong = wrong_after(*segment, kind);
      require(wrong.empty(), wrong);
    }));
    CHECK(::rmdir(group.c_str()) == 0);
  }
}
