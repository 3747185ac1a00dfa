// Tests of tasks with Catch2, version 2 or 3: each case has a session of its own, and fails when it leaves something in
// it.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>  // version 3: link Catch2Main
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
#include <mobula/test_runtime.h>
#include <ray/api.h>

namespace {

std::vector<double> scale(std::vector<double> numbers, double factor) {
  for (double &number : numbers) number *= factor;
  return numbers;
}
int parse(std::string text) { return std::stoi(text); }

RAY_REMOTE(scale, parse);

class Session {
 private:
  static mobula::TestOptions options() {
    mobula::TestOptions options;
    options.on_leak = [](const std::string &text) { FAIL_CHECK(text); };
    return options;
  }
  mobula::TestRuntime runtime_{options()};
};

std::vector<ray::ObjectRef<int>> forgotten;

}  // namespace

TEST_CASE_METHOD(Session, "numbers are scaled in another process") {
  const auto numbers = ray::Put(std::vector<double>{1, 2, 3});
  CHECK(*ray::Task(scale).Remote(numbers, 10.0).Get() == std::vector<double>{10, 20, 30});
}

TEST_CASE_METHOD(Session, "what a task throws reaches the test") {
  CHECK(*ray::Task(parse).Remote(std::string("42")).Get() == 42);
  CHECK_THROWS_AS(ray::Task(parse).Remote(std::string("no number")).Get(), ray::internal::RayTaskException);
}

// Fails, to show how: with_catch2 [leaky]
TEST_CASE_METHOD(Session, "a handle that outlives its test is a leak", "[.leaky]") { forgotten.push_back(ray::Put(7)); }
