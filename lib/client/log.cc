// The lines of mobula/log.h.
#include "mobula/log.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <string>

#include "base/clock.h"

namespace mobula::runtime {
namespace {

LogLevel level_of(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (text == "debug") return LogLevel::kDebug;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  if (text == "fatal") return LogLevel::kFatal;
  return LogLevel::kInfo;
}

LogLevel least_level() {
  const char *const text = std::getenv("RAY_BACKEND_LOG_LEVEL");
  return level_of(text == nullptr ? "" : text);
}

std::string_view name_of(const char *file) {
  const std::string_view path = file;
  return path.substr(path.rfind('/') + 1);
}

// "2026-01-31 12:00:00,123", local time.
std::string now_text() {
  const std::int64_t now_ns = base::wall_ns();
  const time_t seconds = now_ns / base::kNanosecondsPerSecond;
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return fmt::format("{},{:03}", std::string_view(text, size),
                     now_ns % base::kNanosecondsPerSecond / base::kNanosecondsPerMillisecond);
}

}  // namespace

bool is_logged(LogLevel level) {
  static const LogLevel least = least_level();
  return level >= least || level == LogLevel::kFatal;
}

void write_log(LogLevel level, const char *file, int line, std::string_view text) {
  constexpr std::string_view kLetters = "DIWEF";
  const std::string whole =
      fmt::format("[{} {} {} {}] {}:{}: {}\n", now_text(), kLetters[static_cast<std::size_t>(level) + 1], getpid(),
                  syscall(SYS_gettid), name_of(file), line, text);
  // One call, so that lines of several processes do not mix.
  const ssize_t written = write(STDERR_FILENO, whole.data(), whole.size());
  static_cast<void>(written);
  if (level == LogLevel::kFatal) std::abort();
}

}  // namespace mobula::runtime
