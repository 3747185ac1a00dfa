// Tasks: arguments, chains, tasks that submit tasks, results of all kinds, what workers print.
#include <doctest/doctest.h>

#include <set>

#include "process/session_case.h"

using namespace mobula::process;

namespace {

int answer() { return 42; }
int add(int a, int b) { return a + b; }
int add_three(int a, int b, int c) { return a + b + c; }
int triple(int value) { return value * 3; }
int slow_square(int value, int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return value * value;
}
std::string join(std::string a, const std::string &b, int c, double d, bool e) {
  return a + "|" + b + "|" + std::to_string(c) + "|" + std::to_string(static_cast<int>(d * 10)) + "|" +
         (e ? "yes" : "no");
}
int overloaded(int value) { return value + 1; }
std::string overloaded(std::string text) { return text + "!"; }
struct Library {
  static int twice(int value) { return value * 2; }
};
void touch(std::string path) { std::ofstream(path) << "touched"; }
void nothing() {}

int dig(int depth) { return depth == 0 ? 0 : 1 + *ray::Task(dig).Remote(depth - 1).Get(); }
int fibonacci(int n) {
  if (n < 2) return n;
  const auto a = ray::Task(fibonacci).Remote(n - 1);
  const auto b = ray::Task(fibonacci).Remote(n - 2);
  return *a.Get() + *b.Get();
}
// The result is the reference of a task that may still run when its submitter has ended.
ray::ObjectRef<int> delegate(int value) { return ray::Task(slow_square).Remote(value, 50); }
int sum_of_squares(int count) {
  std::vector<ray::ObjectRef<int>> squares;
  for (int i = 1; i <= count; ++i) squares.push_back(ray::Task(slow_square).Remote(i, 0));
  int sum = 0;
  for (const auto &square : ray::Get(squares)) sum += *square;
  return sum;
}
int worker_pid() { return ::getpid(); }
int speak(std::string text) {
  std::cout << text << "\n" << std::flush;
  std::fprintf(stderr, "%s to stderr\n", text.c_str());
  return ::getpid();
}
bool has_session() { return ray::IsInitialized(); }
std::string where_and_what() {
  const char *word = std::getenv("SCENARIO_WORD");
  return std::filesystem::current_path().string() + " " + (word == nullptr ? "" : word);
}

RAY_REMOTE(answer, add, add_three, triple, slow_square, join, touch, nothing, dig, fibonacci, delegate);
RAY_REMOTE(sum_of_squares, worker_pid, speak, has_session, where_and_what, Library::twice);
RAY_REMOTE(RAY_FUNC(overloaded, int), RAY_FUNC(overloaded, std::string));

}  // namespace

TEST_SUITE("process/tasks") {
  TEST_CASE("a task without arguments and one with several give their results") {
    CHECK(in_session([] {
      CHECK(*ray::Task(answer).Remote().Get() == 42);
      CHECK(*ray::Task(add).SetName("sum").Remote(1, 2).Get() == 3);
      CHECK(*ray::Task(join).Remote("a", std::string("b"), 3, 0.5f, true).Get() == "a|b|3|5|yes");
      CHECK(*ray::Task(Library::twice).Remote(4).Get() == 8);
    }));
  }

  TEST_CASE("overloads are told apart by RAY_FUNC") {
    CHECK(in_session([] {
      CHECK(*ray::Task(RAY_FUNC(overloaded, int)).Remote(1).Get() == 2);
      CHECK(*ray::Task(RAY_FUNC(overloaded, std::string)).Remote("x").Get() == "x!");
    }));
  }

  TEST_CASE("values and references mix freely among the arguments, in their order") {
    CHECK(in_session([] {
      CHECK(*ray::Task(add_three).Remote(1, 2, 3).Get() == 6);
      const auto thirty = ray::Put(30);
      CHECK(*ray::Task(add_three).Remote(10, thirty, 20).Get() == 60);
      CHECK(*ray::Task(add_three).Remote(ray::Put(100), ray::Put(200), ray::Put(300)).Get() == 600);
      const auto text = ray::Put(std::string("ref"));
      CHECK(*ray::Task(join).Remote(std::string("v"), text, ray::Put(1), 2.0, ray::Put(false)).Get() ==
            "v|ref|1|20|no");
    }));
  }

  TEST_CASE("chains and diamonds of tasks resolve without the driver") {
    CHECK(in_session([] {
      auto value = ray::Put(1);
      for (int i = 0; i < 6; ++i) value = ray::Task(add).Remote(value, value);
      CHECK(*value.Get() == 64);
      const auto top = ray::Task(slow_square).Remote(3, 20);
      CHECK(*ray::Task(add).Remote(ray::Task(triple).Remote(top), ray::Task(add).Remote(top, 1)).Get() == 37);
      CHECK(*ray::Task(add).Remote(ray::Task(triple).Remote(ray::Put(4)), 5).Get() == 17);
    }));
  }

  TEST_CASE("a chain of a thousand tasks behind a slow one ends") {
    CHECK(in_session([] {
      auto value = ray::Task(slow_square).Remote(1, 100);
      for (int i = 0; i < 1000; ++i) value = ray::Task(add).Remote(value, 1);
      CHECK(*value.Get() == 1001);
    }));
  }

  TEST_CASE("ten thousand small tasks give ten thousand results") {
    CHECK(in_session([] {
      std::vector<ray::ObjectRef<int>> results;
      for (int i = 0; i < 10'000; ++i) results.push_back(ray::Task(add).Remote(i, 1));
      const auto values = ray::Get(results);
      for (int i = 0; i < 10'000; ++i) REQUIRE(*values[static_cast<std::size_t>(i)] == i + 1);
    }));
  }

  TEST_CASE("tasks that wait for tasks nest fifty deep on two slots") {
    CHECK(in_session([] {
      CHECK(*ray::Task(dig).Remote(50).Get() == 50);
      CHECK(*ray::Task(fibonacci).Remote(9).Get() == 34);
    }));
  }

  TEST_CASE("a task submits tasks and gathers their results") {
    CHECK(in_session([] {
      CHECK(*ray::Task(sum_of_squares).Remote(100).Get() == 338'350);
      CHECK(*ray::Task(has_session).Remote().Get());
    }));
  }

  TEST_CASE("a task may return the reference of a task that still runs") {
    CHECK(in_session([] {
      const auto outer = ray::Task(delegate).Remote(7);
      const auto inner = *outer.Get();
      CHECK(*inner.Get() == 49);
    }));
  }

  TEST_CASE("a task without a result can be waited for") {
    CHECK(in_session([] {
      const std::string path = case_folder() + "/touched";
      const ray::ObjectRef<void> done = ray::Task(touch).Remote(path);
      done.Get();
      CHECK(std::filesystem::remove(path));
      const std::vector<ray::ObjectRef<void>> both{done, ray::Task(nothing).Remote()};
      CHECK(ray::Wait(both, 2, 5'000).unready.empty());
      both[1].Get(5'000);
    }));
  }

  TEST_CASE("tasks run in two workers, never in the driver") {
    CHECK(in_session([] {
      std::vector<ray::ObjectRef<int>> pids;
      for (int i = 0; i < 200; ++i) pids.push_back(ray::Task(worker_pid).Remote());
      std::set<int> seen;
      for (const auto &pid : ray::Get(pids)) seen.insert(*pid);
      CHECK(seen.size() <= 2);
      CHECK(seen.count(::getpid()) == 0);
    }));
  }

  TEST_CASE("two tasks run at the same time on two slots, and no more than two") {
    CHECK(in_session([] {
      ray::Task(answer).Remote().Get();
      const auto start = Clock::now();
      std::vector<ray::ObjectRef<int>> results;
      for (int i = 0; i < 4; ++i) results.push_back(ray::Task(slow_square).Remote(i, 200));
      ray::Get(results);
      const double elapsed_ms = milliseconds_since(start);
      CHECK(elapsed_ms >= 400);
      CHECK(elapsed_ms < 750);
    }));
  }

  TEST_CASE("what a worker prints reaches the driver's streams with its pid before each line") {
    const auto result = in_session([] {
      const int pid = *ray::Task(speak).Remote(std::string("hello\nsecond line")).Get();
      std::printf("worker is %d\n", pid);
    });
    CHECK(result);
    const std::size_t at = result.output.find("worker is ");
    REQUIRE(at != std::string::npos);
    const std::string prefix = "(pid=" + std::to_string(std::stoi(result.output.substr(at + 10))) + ") ";
    CHECK(contains(result.output, prefix + "hello\n" + prefix + "second line\n"));
    CHECK(contains(result.errors, prefix + "second line to stderr\n"));
  }

  TEST_CASE("workers have the program's working directory and environment") {
    CHECK(in_session(small_session(30'000, {{"SCENARIO_WORD", "given"}}), [] {
      CHECK(*ray::Task(where_and_what).Remote().Get() == std::filesystem::current_path().string() + " given");
    }));
  }

  TEST_CASE("Get waits as long as the task takes: twelve seconds, and there is no limit after which it gives up") {
    CHECK(in_session([] {
      const auto start = Clock::now();
      CHECK(*ray::Task(slow_square).Remote(12, 12'000).Get() == 144);
      CHECK(milliseconds_since(start) >= 12'000);
    }));
  }
}
