// Tests of tasks with doctest: each case has a session of its own, and fails when it leaves something in it.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
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

TEST_CASE_FIXTURE(Session, "numbers are scaled in another process") {
  const auto numbers = ray::Put(std::vector<double>{1, 2, 3});
  CHECK(*ray::Task(scale).Remote(numbers, 10.0).Get() == std::vector<double>{10, 20, 30});
}

TEST_CASE_FIXTURE(Session, "what a task throws reaches the test") {
  CHECK(*ray::Task(parse).Remote(std::string("42")).Get() == 42);
  CHECK_THROWS_AS(ray::Task(parse).Remote(std::string("no number")).Get(), ray::internal::RayTaskException);
}

// Fails, to show how: with_doctest --no-skip
TEST_CASE_FIXTURE(Session, "a handle that outlives its test is a leak" * doctest::skip()) {
  forgotten.push_back(ray::Put(7));
}
