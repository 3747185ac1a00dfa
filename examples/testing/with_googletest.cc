// Tests of tasks with GoogleTest: each test has a session of its own, and fails when it leaves something in it.
#include <gtest/gtest.h>
#include <mobula/test_runtime.h>
#include <ray/api.h>

#include <optional>

namespace {

std::vector<double> scale(std::vector<double> numbers, double factor) {
  for (double &number : numbers) number *= factor;
  return numbers;
}
int parse(std::string text) { return std::stoi(text); }

RAY_REMOTE(scale, parse);

class Tasks : public ::testing::Test {
 protected:
  void SetUp() override {
    mobula::TestOptions options;
    options.on_leak = [](const std::string &text) { ADD_FAILURE() << text; };
    runtime_.emplace(options);
  }
  void TearDown() override { runtime_.reset(); }

 private:
  std::optional<mobula::TestRuntime> runtime_;
};

std::vector<ray::ObjectRef<int>> forgotten;

TEST_F(Tasks, ScaleNumbersInAnotherProcess) {
  const auto numbers = ray::Put(std::vector<double>{1, 2, 3});
  EXPECT_EQ(*ray::Task(scale).Remote(numbers, 10.0).Get(), (std::vector<double>{10, 20, 30}));
}

TEST_F(Tasks, ThrowIntoTheTest) {
  EXPECT_EQ(*ray::Task(parse).Remote(std::string("42")).Get(), 42);
  EXPECT_THROW(ray::Task(parse).Remote(std::string("no number")).Get(), ray::internal::RayTaskException);
}

// Fails, to show how: with_googletest --gtest_also_run_disabled_tests
TEST_F(Tasks, DISABLED_LeakAHandle) { forgotten.push_back(ray::Put(7)); }

}  // namespace
