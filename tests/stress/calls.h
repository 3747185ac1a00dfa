// stress/calls.h: calls of the API as the storm makes them: published, with a deadline, and every error judged.
//   Threads    the driver's only one
//   Errors     what no kill explains ends the driver on Mobula, and is counted on Ray, whose errors are the result
#pragma once

#include <ray/api.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "call_page.h"
#include "mix_tasks.h"
#ifdef MIX_ON_MOBULA
#include <mobula/cancel.h>
#include <mobula/task.h>
#endif

namespace mix {

constexpr int kFailureStatus = 70;

// _exit: no destructor of a broken session may hang on top.
[[noreturn]] inline void fail(const std::string &text) {
  std::printf("failure %s\n", text.c_str());
  std::fflush(stdout);
  _exit(kFailureStatus);
}

// The status of a driver: what its run returns, or that of a failure.
inline int status_of(int (*run)(int, char **), int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception &error) {
    fail(std::string("exception: ") + error.what());
  }
}

inline void require(bool condition, const char *what) {
  if (!condition) fail(std::string("wrong data: ") + what);
}

class Calls {
 public:
  Calls(CallPage &page, std::uint32_t deadline_ms) : page_(page), deadline_ms_(static_cast<int>(deadline_ms)) {
    page_.deadline_ms.store(deadline_ms);
  }

  // What `action` returns. `waits_for_task`: its end answers a kill.
  template <typename Action>
  auto published(bool waits_for_task, Action action) {
    const PublishedCall call(page_, waits_for_task);
    return action();
  }

  // Null after an error that a kill explains.
  template <typename T>
  std::shared_ptr<T> get(const ray::ObjectRef<T> &reference) {
    return judged([&] { return published(true, [&] { return ray::Get(reference, deadline_ms_); }); });
  }

  template <typename F, typename... Values>
  auto submit(F function, const Values &...values) {
    return published(false, [&] { return ray::Task(function).Remote(values...); });
  }

  // On Ray, whose C++ API has no such option, as often as it retries.
  template <typename F, typename... Values>
  auto submit_with_retries([[maybe_unused]] std::uint64_t retries, F function, const Values &...values) {
#ifdef MIX_ON_MOBULA
    return published(false, [&] {
      return mobula::with_retries(ray::Task(function), static_cast<std::uint32_t>(retries)).Remote(values...);
    });
#else
    return submit(function, values...);
#endif
  }

  template <typename T>
  void wait_for(const std::vector<ray::ObjectRef<T>> &results, std::size_t wanted) {
    if (wanted == 0) return;
    const auto count = static_cast<int>(wanted);
    const auto found = published(true, [&] { return ray::Wait(results, count, deadline_ms_); });
    if (found.ready.size() < wanted) {
      unexplained("wait", std::to_string(wanted - found.ready.size()) + " results do not come");
    }
  }

#ifdef MIX_ON_MOBULA
  // Asks for the end of a task; what it returns is told, or that it was cancelled.
  template <typename T>
  void cancel(const ray::ObjectRef<T> &reference, bool force) {
    published(false, [&] { mobula::cancel(reference, force); });
  }
  template <typename T>
  void expect_end(const ray::ObjectRef<T> &reference) {
    judged([&]() -> std::shared_ptr<T> {
      try {
        return published(true, [&] { return ray::Get(reference, deadline_ms_); });
      } catch (const ray::internal::RayCancelledException &) {
        return nullptr;
      }
    });
  }
#endif

  // Of a task that throws.
  template <typename T>
  void expect_refusal(const ray::ObjectRef<T> &reference) {
    const auto result = judged([&]() -> std::shared_ptr<T> {
      try {
        return published(true, [&] { return ray::Get(reference, deadline_ms_); });
      } catch (const ray::internal::RayTaskException &error) {
        if (!contains(error, kRefused)) throw;
        return nullptr;
      }
    });
    if (result != nullptr) fail("a task that throws has a result");
  }

  CallPage &page() { return page_; }

 private:
  static bool contains(const std::exception &error, const char *text) {
    return std::string(error.what()).find(text) != std::string::npos;
  }

  template <typename Action>
  auto judged(Action action) -> decltype(action()) {
    try {
      return action();
    } catch (const ray::internal::RayWorkerException &) {
      ++page_.worker_errors;
    } catch (const ray::internal::RayActorException &) {
      ++page_.worker_errors;
    } catch (const ray::internal::RayTaskException &error) {
      if (!contains(error, kNestedDied)) unexplained("task", error.what());
      ++page_.worker_errors;
    } catch (const ray::internal::UnreconstructableException &error) {
      ++page_.lost;
      unexplained("an object that is held is lost", error.what());
    } catch (const std::exception &error) {
      unexplained("get", error.what());
    }
    return nullptr;
  }

  void unexplained(const std::string &what, const std::string &text) {
#ifdef MIX_ON_MOBULA
    fail(what + ": " + text);
#else
    ++page_.other_errors;
    std::fprintf(stderr, "kill_mix: operation %u: %s: %s\n", page_.operation.load(), what.c_str(), text.c_str());
#endif
  }

  CallPage &page_;
  const int deadline_ms_;
};

}  // namespace mix
