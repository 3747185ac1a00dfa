// mobula/test_runtime.h: a session of its own for a test, and the proof that the test left nothing in it.
//   Threads    constructor and destructor on one thread, while no other is inside a call; leaks() on any
//   Process    one at a time, and no ray::Init beside it. Any number of processes: each has its own session
//   Ownership  declare it before every ObjectRef of the test: what is declared later is gone when it looks
//   Errors     RayException when the session cannot start, or the process is in one already
//   Cost       start and end of a session, some 10 ms; with a leak up to settle_ms more
// A leak is: a handle, pin or unsealed draft of this process; an object that a worker, a task or another object still
// refers to; an unfinished task; a process of the session that outlives it. Objects that were named, weakly held or put
// to be retained are none.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "mobula/not_on_ray.h"
#include "mobula/runtime.h"
#include "ray/api/exceptions.h"

namespace mobula {
namespace runtime {

// What keeps this process's session from being empty, a line each; "" = nothing. What others hold may be on its way
// out: it is a leak when it is still there after `settle_ms`.
MOBULA_EXPORT std::string find_leaks(std::int64_t settle_ms);
// shutdown(); then which processes of an embedded session are still there, "" = none.
MOBULA_EXPORT std::string shutdown_and_find_processes(std::int64_t settle_ms);
// Prints `text` on stderr and makes the process's exit status 1, if it would be 0.
MOBULA_EXPORT void fail_at_exit(const std::string &text);

}  // namespace runtime

struct TestOptions {
  std::uint32_t workers = 2;
  std::uint64_t memory_bytes = std::uint64_t{64} << 20;
  std::vector<std::string> code_search_path;  // libraries, or folders of them, that the workers load
  std::int64_t settle_ms = 2'000;             // for what is on its way out: results being freed, processes ending
  // Gets the text of what is left, from the destructor; must not throw. Unset: stderr, and exit status 1 in the end.
  std::function<void(const std::string &)> on_leak;
};

class TestRuntime {
 public:
  explicit TestRuntime(TestOptions options = {}) : options_(std::move(options)) {
    if (runtime::is_initialized())
      throw ray::internal::RayException("TestRuntime: this process is in a session already");
    runtime::Options wanted;
    wanted.address = "local";  // whatever RAY_ADDRESS says
    wanted.head_args = {"--num-cpus", std::to_string(options_.workers), "--object-store-memory",
                        std::to_string(options_.memory_bytes)};
    wanted.code_search_path = options_.code_search_path;
    ray::internal::throw_unless_ok(runtime::init(wanted));
  }

  // Ends the session, whatever is in it, and reports what was. Also while an exception passes.
  ~TestRuntime() {
    std::string text = leaks();
    const std::string processes = runtime::shutdown_and_find_processes(options_.settle_ms);
    if (!text.empty() && !processes.empty()) text += "\n";
    text += processes;
    if (text.empty()) return;
    if (options_.on_leak)
      options_.on_leak(text);
    else
      runtime::fail_at_exit(text);
  }

  TestRuntime(const TestRuntime &) = delete;
  TestRuntime &operator=(const TestRuntime &) = delete;

  // What would be reported if the test ended now, "" = nothing.
  std::string leaks() const { return runtime::find_leaks(options_.settle_ms); }

 private:
  TestOptions options_;
};

}  // namespace mobula
