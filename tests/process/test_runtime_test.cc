// mobula::TestRuntime: what it calls a leak, what not, and that it always cleans up.
#include "mobula/test_runtime.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <memory>
#include <stdexcept>

#include "mobula/pin.h"
#include "process/session_case.h"

using namespace mobula::process;

namespace {

int twice(int number) { return 2 * number; }
std::size_t length(const std::string text) { return text.size(); }

std::unique_ptr<ray::ObjectRef<int>> kept;
int keep_argument(std::vector<ray::ObjectRef<int>> numbers) {
  kept = std::make_unique<ray::ObjectRef<int>>(numbers.at(0));
  ::usleep(100'000);
  return ::getpid();
}
int stay_busy() {
  ::usleep(3'000'000);
  return 0;
}
int leave_process_behind() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::usleep(1'500'000);
    ::_exit(0);
  }
  return child;
}

RAY_REMOTE(twice, length, keep_argument, stay_busy, leave_process_behind);

mobula::support::RunOptions alone() { return small_session(60'000); }

// What the destructor reports about a test that does `body`.
template <typename Body>
std::string report_of(Body body, mobula::TestOptions options = {}) {
  std::string reported;
  options.on_leak = [&reported](const std::string &text) { reported += text; };
  {
    mobula::TestRuntime runtime(std::move(options));
    body(runtime);
  }
  return reported;
}

}  // namespace

TEST_SUITE("process/test_runtime") {
  TEST_CASE("a test that drops what it made is clean, while it runs and at its end") {
    CHECK(run_isolated(alone(), [] {
      CHECK(report_of([](mobula::TestRuntime &runtime) {
              CHECK(*ray::Task(twice).Remote(21).Get() == 42);
              const std::string large(1'000'000, 'x');
              CHECK(*ray::Task(length).Remote(ray::Put(large)).Get() == large.size());
              std::vector<ray::ObjectRef<std::size_t>> many;
              for (int i = 0; i < 200; ++i) many.push_back(ray::Task(length).Remote(large));
              for (const auto &one : many) CHECK(*one.Get() == large.size());
              many.clear();
              CHECK(runtime.leaks() == "");
            }) == "");
      CHECK_FALSE(ray::IsInitialized());
    }));
  }

  TEST_CASE("a handle that is still alive is named by id, size and count") {
    CHECK(run_isolated(alone(), [] {
      std::vector<ray::ObjectRef<std::string>> leaked;
      std::string digits;
      const std::string text = report_of([&](mobula::TestRuntime &runtime) {
        leaked.push_back(ray::Put(std::string(5'000, 'x')));
        leaked.push_back(leaked.front());
        digits = hex(leaked.front().ID());
        CHECK(contains(runtime.leaks(), digits));
      });
      CAPTURE(text);
      CHECK(contains(text, digits));
      CHECK(contains(text, "4.9 KiB"));
      CHECK(contains(text, "2 handles of this process"));
    }));
  }

  TEST_CASE("a pin and an unsealed draft are leaks") {
    CHECK(run_isolated(alone(), [] {
      mobula::Draft draft;
      const std::string text = report_of([&](mobula::TestRuntime &) {
        mobula::pin(ray::Put(7));
        CHECK(mobula::runtime::create(300'000, 0, &draft) == nullptr);
      });
      CAPTURE(text);
      CHECK(contains(text, "0 handles and 1 pin of this process"));
      CHECK(contains(text, "a draft that was never sealed"));
    }));
  }

  TEST_CASE("what a worker holds is a leak of that worker") {
    CHECK(run_isolated(alone(), [] {
      mobula::TestOptions options;
      options.settle_ms = 500;
      std::vector<int> workers;
      const std::string text = report_of(
          [&workers](mobula::TestRuntime &) {
            // At once, so that each worker runs some: a worker too many is ended, and what it held is no leak then.
            std::vector<ray::ObjectRef<int>> running;
            for (int i = 0; i < 12; ++i) {
              const std::vector<ray::ObjectRef<int>> numbers{ray::Put(i)};
              running.push_back(ray::Task(keep_argument).Remote(numbers));
            }
            for (const auto &one : running) workers.push_back(*one.Get());
          },
          options);
      CAPTURE(text);
      CHECK(std::any_of(workers.begin(), workers.end(),
                        [&text](int pid) { return contains(text, "pid " + std::to_string(pid) + " holds object"); }));
    }));
  }

  TEST_CASE("a task that has not finished is a leak, and the session ends nevertheless") {
    CHECK(run_isolated(alone(), [] {
      mobula::TestOptions options;
      options.settle_ms = 100;
      const auto start = Clock::now();
      const std::string text = report_of([](mobula::TestRuntime &) { ray::Task(stay_busy).Remote(); }, options);
      CAPTURE(text);
      CHECK(contains(text, "1 task not finished"));
      CHECK(milliseconds_since(start) < 2'500);
    }));
  }

  TEST_CASE("a process that outlives the session is a leak") {
    CHECK(run_isolated(alone(), [] {
      mobula::TestOptions options;
      options.settle_ms = 100;
      int child = 0;
      const std::string text = report_of(
          [&child](mobula::TestRuntime &) { child = *ray::Task(leave_process_behind).Remote().Get(); }, options);
      CAPTURE(text);
      CHECK(contains(text, "outlive it"));
      CHECK(contains(text, std::to_string(child) + " ("));
      CHECK(all_end({child}));
    }));
  }

  TEST_CASE("an exception that passes through ends the session, and the next one is clean") {
    CHECK(run_isolated(alone(), [] {
      std::string reported;
      try {
        mobula::TestOptions options;
        options.on_leak = [&reported](const std::string &text) { reported = text; };
        const mobula::TestRuntime runtime(options);
        const auto held = ray::Put(std::string(1'000, 'x'));
        throw std::runtime_error("thrown by the test");
      } catch (const std::runtime_error &problem) {
        CHECK(std::string(problem.what()) == "thrown by the test");
      }
      CHECK(reported == "");
      CHECK_FALSE(ray::IsInitialized());
      CHECK(report_of([](mobula::TestRuntime &) { CHECK(*ray::Task(twice).Remote(4).Get() == 8); }) == "");
    }));
  }

  TEST_CASE("without a handler a leak is printed, and the program that would end with 0 ends with 1") {
    CHECK(run_isolated(alone(), [] {
      for (const bool leak : {false, true}) {
        const pid_t pid = ::fork();
        if (pid == 0) {
          ray::ObjectRef<int> held;
          {
            const mobula::TestRuntime runtime;
            if (leak) held = ray::Put(5);
          }
          std::exit(0);
        }
        int status = -1;
        CHECK(::waitpid(pid, &status, 0) == pid);
        CHECK(WEXITSTATUS(status) == (leak ? 1 : 0));
      }
    }));
  }

  TEST_CASE("a session that the environment names is not touched, and none may be open already") {
    auto options = alone();
    options.environment.push_back({"RAY_ADDRESS", "someone-elses"});
    CHECK(run_isolated(options, [] {
      const mobula::TestRuntime runtime;
      CHECK(*ray::Task(twice).Remote(3).Get() == 6);
      CHECK(contains(text_thrown_by<ray::internal::RayException>([] { const mobula::TestRuntime second; }),
                     "in a session already"));
    }));
  }

  TEST_CASE("it has the workers and the memory that were asked for, whatever the environment says") {
    CHECK(run_isolated(alone(), [] {
      mobula::TestOptions options;
      options.workers = 3;
      options.memory_bytes = 20u << 20;
      const mobula::TestRuntime runtime(options);
      const std::string status = status_of(own_session());
      CHECK(number_after(status, "capacity_bytes") == 20u << 20);
      CHECK(eventually([] {
        const std::string now = status_of(own_session());
        std::size_t workers = 0;
        for (std::size_t at = now.find("\"queued\""); at != std::string::npos; at = now.find("\"queued\"", at + 1))
          ++workers;
        return workers == 3 + 1;  // the tasks' own figure, too
      }));
    }));
  }

  TEST_CASE("four processes at once have a session each, and all are clean") {
    CHECK(run_isolated(alone(), [] {
      std::vector<pid_t> processes;
      for (int i = 0; i < 4; ++i) {
        processes.push_back(::fork());
        if (processes.back() != 0) continue;
        bool ok = true;
        for (int round = 0; round < 3; ++round) {
          ok = ok && report_of([&ok, i](mobula::TestRuntime &) {
                       for (int n = 0; n < 50; ++n) ok = ok && *ray::Task(twice).Remote(i * n).Get() == 2 * i * n;
                     }) == "";
        }
        ::_exit(ok ? 0 : 1);
      }
      for (const pid_t pid : processes) {
        int status = -1;
        CHECK(::waitpid(pid, &status, 0) == pid);
        CHECK(status == 0);
      }
    }));
  }
}
