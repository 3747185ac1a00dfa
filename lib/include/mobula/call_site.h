// mobula/call_site.h: the line of the program that makes an object or takes a handle, as `mobula leaks` names it.
//   Threads    each thread has its own innermost site
//   Ownership  the texts are the program's own and must live as long as it: literals
//   Cost       three words on the stack and two stores
#pragma once

#include <cstdint>

#include "mobula/error.h"

namespace mobula {

struct CallSite {
  const char *file =
      nullptr;  // null: no line of a file, but the argument number `line` of the task `function`, or, with
                // line 0, somewhere in that task
  const char *function = nullptr;
  std::uint32_t line = 0;

  // As a default argument: the place of the call.
  static constexpr CallSite here(const char *file = __builtin_FILE(), const char *function = __builtin_FUNCTION(),
                                 std::uint32_t line = __builtin_LINE()) {
    return {file, function, line};
  }
};

namespace runtime {

// The innermost one of this thread, null: none.
MOBULA_EXPORT extern __thread const CallSite *innermost_call_site __attribute__((tls_model("initial-exec")));

// While one lives, what this thread makes and takes is written down for its site.
class AtCallSite {
 public:
#ifdef MOBULA_NO_TRACKING  // of a build that measures what it costs (meson -Dtracking=false)
  explicit AtCallSite(const CallSite &) noexcept {}
  ~AtCallSite() {}
#else
  // REQUIRES: `site` outlives it.
  explicit AtCallSite(const CallSite &site) noexcept : outer_(innermost_call_site) { innermost_call_site = &site; }
  ~AtCallSite() { innermost_call_site = outer_; }
#endif
  AtCallSite(const AtCallSite &) = delete;
  AtCallSite &operator=(const AtCallSite &) = delete;

#ifndef MOBULA_NO_TRACKING
 private:
  const CallSite *outer_;
#endif
};

}  // namespace runtime
}  // namespace mobula
