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
int throw_until(std::string path, int attempts) {
  const int attempt = count_attempt(path);
  if (attempt < attempts) throw std::runtime_error("attempt " + std::to_string(attempt));
  return attempt;
}
int die_then_throw(std::string path) {
  const int attempt = count_attempt(path);
  if (attempt % 2 == 1) ::kill(::getpid(), SIGKILL);
  throw std::runtime_error("attempt " + std::to_string(attempt));
}
RAY_REMOTE(die_until, throw_at_once, throw_until, die_then_throw);

struct Careless {
  static Careless *make() { return new Careless; }
  int throw_until(int attempts) {
    if (++tried < attempts) throw std::runtime_error("attempt " + std::to_string(tried));
    return tried;
  }
  int tries() { return tried; }
  int tried = 0;
};
RAY_REMOTE(Careless::make, &Careless::throw_until, &Careless::tries);

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

TEST_CASE("with_retry_exceptions lets a task run again that threw, as often as its retries say") {
  CHECK(in_session([] {
    const std::string path = case_folder() + "/attempts";
    const auto run = [&path](std::uint32_t retries, int attempts) {
      std::filesystem::remove(path);
      return mobula::with_retry_exceptions(mobula::with_retries(ray::Task(throw_until), retries))
          .Remote(path, attempts);
    };
    require(*run(3, 4).Get() == 4, "the fourth attempt succeeds");
    const auto fails = run(2, 4);
    const std::string text = text_thrown_by<ray::internal::RayTaskException>([&] { fails.Get(); });
    require(contains(text, "attempt 3"), "the last failure counts: " + text);
    require(std::filesystem::file_size(path) == 3, "three attempts");
    std::filesystem::remove(path);
    auto mixed = mobula::with_retry_exceptions(mobula::with_retries(ray::Task(die_then_throw), 3)).Remote(path);
    const std::string last = text_thrown_by<ray::internal::RayTaskException>([&] { mixed.Get(); });
    require(contains(last, "attempt 4"), "deaths and exceptions have the same retries: " + last);
    std::filesystem::remove(path);
  }));
}

TEST_CASE("a call that threw runs again before those behind it") {
  CHECK(in_session([] {
    auto actor = ray::Actor(Careless::make).Remote();
    auto call = actor.Task(&Careless::throw_until);
    auto first = mobula::with_retry_exceptions(mobula::with_retries(call, 3)).Remote(3);
    auto behind = actor.Task(&Careless::tries).Remote();
    require(*first.Get() == 3, "the third attempt succeeds");
    require(*behind.Get() == 3, "and the next call comes after it");
    require(contains(text_thrown_by<ray::internal::RayTaskException>(
                         [&] { actor.Task(&Careless::throw_until).Remote(9).Get(); }),
                     "attempt 4"),
            "without the word it is tried once");
  }));
}
