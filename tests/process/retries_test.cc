// How often a task runs when its worker dies: once more unless the task says otherwise, and one result in any case.
#include <doctest/doctest.h>
#include <mobula/task.h>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;

namespace {

// Appends a byte to the file, so that every attempt can be counted.
int count_attempt(const std::string &path) {
  std::ofstream(path, std::ios::app) << 'x';
  return static_cast<int>(std::filesystem::file_size(path));
}
int die_until(std::string path, int attempts) {
  const int attempt = count_attempt(path);
  if (attempt < attempts) ::kill(::getpid(), SIGKILL);
  return attempt;
}
int throw_at_once(std::string path) {
  count_attempt(path);
  throw std::runtime_error("as always");
}
RAY_REMOTE(die_until, throw_at_once);

// Attempts that were made, and the result or 0 when the worker's death was reported.
std::pair<int, int> run_until(int attempts, int retries) {
  const std::string path = case_folder() + "/attempts";
  int result = 0;
  try {
    auto task = ray::Task(die_until);
    result = retries < 0
                 ? *task.Remote(path, attempts).Get()
                 : *mobula::with_retries(task, static_cast<std::uint32_t>(retries)).Remote(path, attempts).Get();
  } catch (const ray::internal::RayWorkerException &) {
  }
  const auto made = static_cast<int>(std::filesystem::file_size(path));
  std::filesystem::remove(path);
  return {made, result};
}

}  // namespace

TEST_CASE("a task runs once more after its worker's death, and not a third time") {
  CHECK(in_session([] {
    require(run_until(2, -1) == std::pair{2, 2}, "the second attempt succeeds");
    require(run_until(3, -1) == std::pair{2, 0}, "the second death is the end");
  }));
}

TEST_CASE("with_retries chooses how often a task runs again") {
  CHECK(in_session([] {
    require(run_until(1, 0) == std::pair{1, 1}, "none needed");
    require(run_until(2, 0) == std::pair{1, 0}, "at most once");
    require(run_until(5, 4) == std::pair{5, 5}, "five attempts");
    require(run_until(6, 4) == std::pair{5, 0}, "and not six");
  }));
}

TEST_CASE("what a function throws is not retried") {
  CHECK(in_session([] {
    const std::string path = case_folder() + "/attempts";
    const std::string text = text_thrown_by<ray::internal::RayTaskException>(
        [&] { mobula::with_retries(ray::Task(throw_at_once), 5).Remote(path).Get(); });
    require(contains(text, "as always"), "the exception arrives: " + text);
    require(std::filesystem::file_size(path) == 1, "one attempt");
    std::filesystem::remove(path);
  }));
}
