// mobula/log.h: where the lines of ray/api/logging.h go: standard error.
//   Threads    any thread; lines do not mix
//   Process    a worker's lines reach its driver, as all that it writes
//   Errors     a line that cannot be written is lost
//   Cost       one write(2) a line
#pragma once

#include <cstdint>
#include <string_view>

#include "mobula/runtime.h"

namespace mobula {

enum class LogLevel : std::int32_t { kDebug = -1, kInfo = 0, kWarning = 1, kError = 2, kFatal = 3 };

namespace runtime {

// Whether lines of that level are written: those from RAY_BACKEND_LOG_LEVEL (debug, info, warning, error or fatal; info
// when not set) on. It is read once.
MOBULA_EXPORT bool is_logged(LogLevel level);
// Writes "[time level pid thread] file:line: text". kFatal then ends the process with SIGABRT.
MOBULA_EXPORT void write_log(LogLevel level, const char *file, int line, std::string_view text);

}  // namespace runtime
}  // namespace mobula
