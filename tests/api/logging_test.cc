#include "ray/api/logging.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <regex>
#include <string>

namespace {

// What `action` writes to standard error.
std::string written_by(const std::function<void()> &action) {
  const int file = memfd_create("lines", 0);
  const int before = dup(STDERR_FILENO);
  dup2(file, STDERR_FILENO);
  action();
  dup2(before, STDERR_FILENO);
  close(before);
  std::string text(static_cast<std::size_t>(lseek(file, 0, SEEK_END)), '\0');
  const ssize_t bytes = pread(file, text.data(), text.size(), 0);
  close(file);
  return bytes == static_cast<ssize_t>(text.size()) ? text : "unreadable";
}

}  // namespace

TEST_CASE("a line says when, how bad, who and where") {
  const std::string line = written_by([] { RAYLOG(WARNING) << "boiling at " << 99.5 << " degrees"; });
  const std::regex expected(
      R"(\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} W \d+ \d+\] logging_test\.cc:\d+: boiling at 99\.5 degrees\n)");
  CHECK(std::regex_match(line, expected));
}

TEST_CASE("levels below the wanted one are not written, nor are their values computed") {
  int computed = 0;
  const auto compute = [&] { return ++computed; };
  CHECK(written_by([&] { RAYLOG(DEBUG) << compute(); }).empty());
  CHECK(computed == 0);
  CHECK_FALSE(written_by([&] { RAYLOG(INFO) << compute(); }).empty());
  CHECK_FALSE(written_by([&] { RAYLOG(ERROR) << compute(); }).empty());
  CHECK(computed == 2);
  CHECK(ray::IsLevelEnabled(ray::RayLoggerLevel::FATAL));
}

TEST_CASE("a statement that logs leaves the else of others alone") {
  bool took_else = false;
  if (took_else)
    RAYLOG(INFO) << "never";
  else
    took_else = true;
  CHECK(took_else);
}

TEST_CASE("a logger of one's own is written when it goes") {
  CHECK(written_by([] {
          const auto logger = ray::CreateRayLogger("here/file.cc", 7, ray::RayLoggerLevel::INFO);
          *logger << "one" << ' ' << "line";
        }).find("file.cc:7: one line\n") != std::string::npos);
  CHECK(written_by([] { *ray::CreateRayLogger("file.cc", 7, ray::RayLoggerLevel::DEBUG) << "nothing"; }).empty());
}

TEST_CASE("a fatal line ends the process after it was written") {
  int status = 0;
  const std::string line = written_by([&] {
    const pid_t child = fork();
    if (child == 0) {
      std::signal(SIGABRT, SIG_DFL);
      RAYLOG(FATAL) << "the end";
      _exit(0);
    }
    waitpid(child, &status, 0);
  });
  CHECK(line.find(": the end\n") != std::string::npos);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
}
