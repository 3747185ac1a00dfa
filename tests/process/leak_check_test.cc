// MOBULA_LEAK_CHECK: what a driver holds at ray::Shutdown is told by line, and changes its exit status when asked.
#include <doctest/doctest.h>
#include <mobula/draft.h>
#include <sys/wait.h>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;
using mobula::support::run_isolated;

namespace {

int add(int a, int b) { return a + b; }
RAY_REMOTE(add);

constexpr const char *kSummary = "SUMMARY: Mobula: ";

// The exit status of a program whose main does this.
int status_of_program(const std::function<void()> &main) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    main();
    std::exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void leak_a_handle() {
  ray::Init();
  const auto held = ray::Put(1);
  ray::Shutdown();
}

void leak_nothing() {
  ray::Init();
  ray::Put(1);
  ray::Shutdown();
}

}  // namespace

TEST_SUITE("process/leak_check") {
  TEST_CASE("handles and drafts that are left at Shutdown are told by line") {
    constexpr int kPutLine = __LINE__ + 5;
    constexpr int kDraftLine = kPutLine + 1;
    const auto result = run_isolated(small_session(30'000, {{"MOBULA_LEAK_CHECK", "1"}}), [] {
      ray::Init();
      std::vector<ray::ObjectRef<std::string>> held;
      for (int i = 0; i < 3; ++i) held.push_back(ray::Put(std::string(1000, 'x')));
      auto draft = mobula::create<std::vector<double>>(1000);
      const auto sum = ray::Task(add).Remote(1, 2);
      sum.Get();
      ray::Put(1);
      ray::Shutdown();
    });
    CHECK(result);
    const auto told = [&](const std::string &words) {
      CHECK_MESSAGE(contains(result.errors, words), words << " in " << result.errors);
    };
    const auto at = [](int line) { return "leak_check_test.cc:" + std::to_string(line) + " "; };
    told("in 3 object(s), 3 handles: ");
    told(at(kPutLine));
    told("8000 bytes in 1 object(s), 1 never sealed: ");
    told(at(kDraftLine));
    told("in 1 object(s), 1 handle: ");
    told(at(kDraftLine + 1));
    told("leaked in 5 object(s)");
  }

  TEST_CASE("a driver that holds nothing is silent, and so is one that was not asked") {
    CHECK_FALSE(
        contains(run_isolated(small_session(30'000, {{"MOBULA_LEAK_CHECK", "1"}}), leak_nothing).errors, kSummary));
    CHECK_FALSE(contains(run_isolated(small_session(), leak_a_handle).errors, kSummary));
    CHECK_FALSE(
        contains(run_isolated(small_session(30'000, {{"MOBULA_LEAK_CHECK", "60s"}}), leak_a_handle).errors, kSummary));
  }

  TEST_CASE("the exit status changes only when asked, and only of a program that leaks") {
    const auto options = small_session(60'000, {{"MOBULA_LEAK_CHECK", "1"}});
    CHECK(run_isolated(options, [] {
      require(status_of_program(leak_a_handle) == 0, "the status stays");
      ::setenv("MOBULA_LEAK_CHECK_EXIT", "23", 1);
      require(status_of_program(leak_a_handle) == 23, "the status that was asked for");
      require(status_of_program(leak_nothing) == 0, "a clean program");
      require(status_of_program([] {
                leak_a_handle();
                std::exit(4);
              }) == 4,
              "a program that says itself that it failed");
    }));
  }
}
