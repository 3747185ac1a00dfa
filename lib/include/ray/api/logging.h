// ray/api/logging.h: RAYLOG(INFO) << ...; one line on standard error.
//   Threads    any thread; one logger belongs to one statement
//   Errors     RAYLOG(FATAL) ends the process when its line is written
//   Cost       a level that is switched off: one load
#pragma once

#include <memory>
#include <ostream>
#include <sstream>
#include <utility>

#include "mobula/log.h"

// Builds that define DEBUG as something would break RAYLOG(DEBUG).
#if defined(DEBUG)
#undef DEBUG
#define DEBUG DEBUG
#endif

namespace ray {

enum class RayLoggerLevel { DEBUG = -1, INFO = 0, WARNING = 1, ERROR = 2, FATAL = 3 };

// One line in the making; written when the logger is destroyed.
class RayLogger {
 public:
  virtual ~RayLogger() = default;

  virtual bool IsEnabled() const = 0;

  template <typename T>
  RayLogger &operator<<(const T &value) {
    if (IsEnabled()) Stream() << value;
    return *this;
  }

 protected:
  virtual std::ostream &Stream() = 0;
};

inline bool IsLevelEnabled(RayLoggerLevel log_level) {
  return mobula::runtime::is_logged(static_cast<mobula::LogLevel>(log_level));
}

namespace internal {

class LineLogger final : public RayLogger {
 public:
  LineLogger(const char *file_name, int line_number, RayLoggerLevel severity)
      : file_name_(file_name), line_number_(line_number), severity_(severity) {}
  LineLogger(const LineLogger &) = delete;
  LineLogger &operator=(const LineLogger &) = delete;
  ~LineLogger() override {
    if (!IsEnabled()) return;
    mobula::runtime::write_log(static_cast<mobula::LogLevel>(severity_), file_name_, line_number_, stream_.str());
  }
  bool IsEnabled() const override { return IsLevelEnabled(severity_); }

 protected:
  std::ostream &Stream() override { return stream_; }

 private:
  const char *file_name_;
  int line_number_;
  RayLoggerLevel severity_;
  std::ostringstream stream_;
};

}  // namespace internal

inline std::unique_ptr<RayLogger> CreateRayLogger(const char *file_name, int line_number, RayLoggerLevel severity) {
  return std::make_unique<internal::LineLogger>(file_name, line_number, severity);
}

}  // namespace ray

// if-else: an else after the statement belongs to the if before it.
#define RAYLOG(level)                                         \
  if (!::ray::IsLevelEnabled(::ray::RayLoggerLevel::level)) { \
  } else                                                      \
    *::ray::CreateRayLogger(__FILE__, __LINE__, ::ray::RayLoggerLevel::level)
