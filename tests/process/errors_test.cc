// What goes wrong: exceptions of tasks and all that depends on them, functions that are missing, workers that die.
#include <doctest/doctest.h>

#include <mobula/errors.h>

#include <stdexcept>

#include "process/session_case.h"

using namespace mobula::process;
using ray::internal::RayException;
using ray::internal::RayTaskException;
using ray::internal::RayWorkerException;

namespace {

namespace shop {
struct OutOfStock : std::runtime_error {
  using std::runtime_error::runtime_error;
};
}  // namespace shop

struct Unpackable {
  int value = 0;
  template <typename Packer>
  void msgpack_pack(Packer &packer) const {
    if (value < 0) throw std::invalid_argument("negative values cannot be packed");
    packer.pack(value);
  }
  void msgpack_unpack(const msgpack::object &object) {
    value = object.as<int>();
    if (value == 13) throw std::invalid_argument("thirteen cannot be unpacked");
  }
};

int divide(int a, int b) {
  if (b == 0) throw std::invalid_argument("division by zero");
  return a / b;
}
int throw_own(std::string item) { throw shop::OutOfStock("no more " + item); }
int throw_number() { throw 7; }
void fail_quietly() { throw std::logic_error("nothing to return"); }
int add(int a, int b) { return a + b; }
int add_all(std::vector<int> values, int more) { return static_cast<int>(values.size()) + more; }
int sleep_then_fail(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  throw std::runtime_error("late failure");
}
int sleep_ms(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return wait_ms;
}
int get_inside(ray::ObjectRef<int> reference) { return *reference.Get(); }
int submit_failing() { return *ray::Task(divide).Remote(1, 0).Get(); }
Unpackable pass(Unpackable value) { return {value.value - 1}; }
int never_registered(int value) { return value; }
int one() { return 1; }
int two() { return 2; }

// Dies by `signal` (0: by exit) as long as `path` has less than `deaths` letters; counts its runs there.
int die_first(std::string path, int deaths, int signal) {
  std::ifstream in(path);
  std::string runs;
  in >> runs;
  std::ofstream(path) << runs << 'x' << std::flush;
  if (static_cast<int>(runs.size()) >= deaths) return ::getpid();
  if (signal == 0) std::exit(3);
  if (signal == SIGSEGV) {
    int *volatile nowhere = nullptr;
    *nowhere = 1;
  }
  if (signal == SIGABRT) std::abort();
  ::kill(::getpid(), signal);
  for (;;) ::pause();
}
int announce_and_wait(std::string path) {
  std::ofstream(path + "/" + std::to_string(::getpid())) << "here";
  for (;;) ::pause();
}

RAY_REMOTE(divide, throw_own, throw_number, fail_quietly, add, add_all, sleep_then_fail, sleep_ms, get_inside);
int nest(int depth) {
  try {
    if (depth > 0) return nest(depth - 1);
    throw shop::OutOfStock("no more flour");
  } catch (...) {
    std::throw_with_nested(std::runtime_error("depth " + std::to_string(depth)));
  }
}

RAY_REMOTE(nest);
RAY_REMOTE(submit_failing, pass, die_first, announce_and_wait);

// The error of what `action` throws.
template <typename Action>
mobula::Error error_thrown_by(Action action) {
  try {
    action();
  } catch (const std::exception &problem) {
    const mobula::Error *const error = mobula::error_of(problem);
    if (error != nullptr) return *error;
  }
  return {};
}

template <typename Reference>
std::string task_error(const Reference &reference) {
  return text_thrown_by<RayTaskException>([&] { reference.Get(); });
}

std::size_t runs_in(const std::string &path) {
  std::string runs;
  std::ifstream(path) >> runs;
  std::filesystem::remove(path);
  return runs.size();
}

// The pid of the one worker that has announced itself in the case's folder.
pid_t announced_worker() {
  pid_t pid = 0;
  eventually([&] {
    for (const auto &file : std::filesystem::directory_iterator(case_folder())) {
      if (file.is_regular_file()) pid = static_cast<pid_t>(std::strtol(file.path().filename().c_str(), nullptr, 10));
    }
    return pid != 0;
  });
  std::filesystem::remove(case_folder() + "/" + std::to_string(pid));
  return pid;
}

void check_killing(const ray::ObjectRef<int> &reference) {
  ::kill(announced_worker(), SIGKILL);
  const pid_t second = announced_worker();
  ::kill(second, SIGKILL);
  const std::string text = text_thrown_by<RayWorkerException>([&] { reference.Get(); });
  CHECK(contains(text, std::to_string(second)));
  CHECK(contains(text, "signal 9"));
}

}  // namespace

TEST_SUITE("process/errors") {
  TEST_CASE("an exception arrives with its type, its text and the function's name, as often as one asks") {
    CHECK(in_session([] {
      CHECK(*ray::Task(divide).Remote(10, 2).Get() == 5);
      const auto failed = ray::Task(divide).Remote(1, 0);
      for (int i = 0; i < 2; ++i) {
        const std::string text = task_error(failed);
        CHECK(contains(text, "std::invalid_argument"));
        CHECK(contains(text, "division by zero"));
        CHECK(contains(text, "divide"));
      }
      const std::string own = task_error(ray::Task(throw_own).Remote("bread"));
      CHECK(contains(own, "shop::OutOfStock"));
      CHECK(contains(own, "no more bread"));
      CHECK(contains(task_error(ray::Task(throw_number).Remote()), "int"));
      CHECK(contains(task_error(ray::Task(fail_quietly).Remote()), "nothing to return"));
    }));
  }

  TEST_CASE("an error says what it was thrown because of, where and when") {
    CHECK(in_session([] {
      const auto before = std::chrono::system_clock::now().time_since_epoch();
      const mobula::Error baking = error_thrown_by([] { ray::Task(nest).Remote(2).Get(); });
      const auto after = std::chrono::system_clock::now().time_since_epoch();
      CHECK(baking.code == mobula::Code::kTaskFailed);
      CHECK(baking.function == "nest");
      CHECK(baking.pid > 0);
      CHECK(baking.pid != ::getpid());
      CHECK(contains(baking.message, "depth 2"));
      CHECK(baking.failed_ns >= std::chrono::nanoseconds(before).count());
      CHECK(baking.failed_ns <= std::chrono::nanoseconds(after).count());
      CHECK(baking.started_ns > std::chrono::nanoseconds(before).count() - 1'000'000'000);
      CHECK(baking.started_ns <= baking.failed_ns);
      REQUIRE(baking.causes.size() == 3);
      CHECK(baking.causes[0].message == "depth 1");
      CHECK(contains(baking.causes[0].type, "std::runtime_error"));
      CHECK(baking.causes[2].message == "no more flour");
      CHECK(contains(baking.causes[2].type, "shop::OutOfStock"));
      CHECK(error_thrown_by([] { ray::Task(nest).Remote(20).Get(); }).causes.size() == 8);
    }));
  }

  TEST_CASE("a task that fails because another one did names that one as its cause") {
    CHECK(in_session([] {
      const mobula::Error outer = error_thrown_by([] { ray::Task(submit_failing).Remote().Get(); });
      CHECK(outer.function == "submit_failing");
      REQUIRE(outer.causes.size() == 1);
      CHECK(outer.causes[0].function == "divide");
      CHECK(outer.causes[0].type == "std::invalid_argument");
      CHECK(outer.causes[0].failed_ns <= outer.failed_ns);
    }));
  }

  TEST_CASE("the worker that threw takes the next task") {
    CHECK(in_session(small_session(30'000, {{"MOBULA_WORKERS", "1"}}), [] {
      for (int i = 0; i < 100; ++i) {
        CHECK(contains(task_error(ray::Task(divide).Remote(i, 0)), "division by zero"));
        CHECK(*ray::Task(add).Remote(i, 1).Get() == i + 1);
      }
    }));
  }

  TEST_CASE("everything that depends on a failed task fails at once, with the original error") {
    CHECK(in_session([] {
      ray::Task(add).Remote(1, 1).Get();
      const auto first = ray::Task(divide).Remote(1, 0);
      auto last = ray::Task(add).Remote(first, 1);
      const auto start = Clock::now();
      for (int i = 0; i < 20; ++i) last = ray::Task(add).Remote(1, last);
      const auto mixed = ray::Task(add).Remote(ray::Put(5), first);
      for (const auto &dependant : {last, mixed, ray::Task(add).Remote(first, last)}) {
        const std::string text = task_error(dependant);
        CHECK(contains(text, "division by zero"));
        CHECK(contains(text, "divide"));
      }
      CHECK(milliseconds_since(start) < 500);
    }));
  }

  TEST_CASE("dependants that already wait fail when the error comes") {
    CHECK(in_session([] {
      const auto late = ray::Task(sleep_then_fail).Remote(100);
      std::vector<ray::ObjectRef<int>> dependants;
      for (int i = 0; i < 50; ++i) dependants.push_back(ray::Task(add).Remote(late, i));
      const auto start = Clock::now();
      for (const auto &dependant : dependants) CHECK(contains(task_error(dependant), "late failure"));
      CHECK(milliseconds_since(start) < 1'000);
    }));
  }

  TEST_CASE("an error passes through a Get inside a task") {
    CHECK(in_session([] {
      CHECK(contains(task_error(ray::Task(get_inside).Remote(ray::Task(divide).Remote(1, 0))), "division by zero"));
      CHECK(contains(task_error(ray::Task(submit_failing).Remote()), "division by zero"));
    }));
  }

  TEST_CASE("the first error in order throws when several objects are asked for") {
    CHECK(in_session([] {
      const std::vector<ray::ObjectRef<int>> references{ray::Put(1), ray::Task(throw_own).Remote("milk"),
                                                        ray::Task(divide).Remote(1, 0)};
      CHECK(contains(text_thrown_by<RayTaskException>([&] { ray::Get(references); }), "no more milk"));
      CHECK(ray::Wait(references, 3, 5'000).ready.size() == 3);
    }));
  }

  TEST_CASE("a value that cannot be packed, or unpacked, is an error and harms nothing else") {
    CHECK(in_session([] {
      CHECK_THROWS(ray::Put(Unpackable{-1}));
      CHECK_THROWS(ray::Task(pass).Remote(Unpackable{-1}));
      CHECK(contains(task_error(ray::Task(pass).Remote(Unpackable{13})), "thirteen"));
      CHECK(contains(task_error(ray::Task(pass).Remote(Unpackable{0})), "negative values"));
      CHECK(ray::Task(pass).Remote(Unpackable{5}).Get()->value == 4);
    }));
  }

  TEST_CASE("an argument of another type fails the task and names the argument") {
    CHECK(in_session([] {
      const ray::ObjectRef<std::vector<int>> wrong(ray::Put(std::string("text")).ID());
      const auto kept = ray::Put(std::string("text"));
      const ray::ObjectRef<std::vector<int>> mistyped(kept.ID());
      CHECK(contains(task_error(ray::Task(add_all).Remote(mistyped, 1)), "rgument 1"));
      CHECK_THROWS_AS(ray::Task(add_all).Remote(wrong, 1).Get(), RayException);
    }));
  }

  TEST_CASE("a function that was never registered is refused by Task()") {
    CHECK(in_session([] {
      CHECK(contains(text_thrown_by<RayException>([] { ray::Task(never_registered); }), "RAY_REMOTE"));
      CHECK(*ray::Task(add).Remote(1, 1).Get() == 2);
    }));
  }

  TEST_CASE("one name for two functions is refused by Init, the same function twice is fine") {
    CHECK(mobula::support::run_isolated(small_session(), [] {
      ray::internal::register_functions("add", add);
      ray::internal::register_functions("same, same", one, one);
      ray::Init();
      ray::Shutdown();
      ray::internal::register_functions("same", two);
      const std::string text = text_thrown_by<RayException>([] { ray::Init(); });
      CHECK(contains(text, "'same'"));
      CHECK_FALSE(ray::IsInitialized());
    }));
  }

  TEST_CASE("a task whose worker is killed runs once more and succeeds") {
    CHECK(in_session([] {
      for (const int signal : {SIGKILL, SIGSEGV, SIGABRT, 0}) {
        CAPTURE(signal);
        const std::string path = case_folder() + "/runs";
        CHECK(*ray::Task(die_first).Remote(path, 1, signal).Get() > 0);
        CHECK(runs_in(path) == 2);
      }
    }));
  }

  TEST_CASE("a task whose second worker dies, too, fails with its pid and the signal") {
    CHECK(in_session([] {
      for (const int signal : {SIGKILL, SIGSEGV, SIGABRT}) {
        CAPTURE(signal);
        const std::string path = case_folder() + "/runs";
        const auto doomed = ray::Task(die_first).Remote(path, 9, signal);
        const std::string text = text_thrown_by<RayWorkerException>([&] { doomed.Get(); });
        CHECK(contains(text, "signal " + std::to_string(signal)));
        CHECK(contains(text, "pid "));
        CHECK(runs_in(path) == 2);
        CHECK_THROWS_AS(ray::Task(add).Remote(doomed, 1).Get(), RayWorkerException);
      }
      const std::string path = case_folder() + "/runs";
      CHECK_THROWS_AS(ray::Task(die_first).Remote(path, 9, 0).Get(), RayWorkerException);
      CHECK(runs_in(path) == 2);
      CHECK(*ray::Task(add).Remote(1, 1).Get() == 2);
    }));
  }

  TEST_CASE("workers that are killed from outside are named, and tasks beside them go on") {
    CHECK(in_session([] {
      const auto beside = ray::Task(sleep_ms).Remote(300);
      check_killing(ray::Task(announce_and_wait).Remote(case_folder()));
      CHECK(*beside.Get() == 300);
      for (int i = 0; i < 100; ++i) CHECK(*ray::Task(add).Remote(i, i).Get() == 2 * i);
    }));
  }
}
