#include "mobula/test_runtime.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "client/current.h"
#include "client/leaks.h"
#include "client/session.h"

namespace mobula::runtime {
namespace {

constexpr int kPauseMs = 5;  // between two looks at what is on its way out

// The first answer that is empty, or the last one before the time is over.
template <typename Answer>
std::string settle(std::int64_t settle_ms, Answer answer) {
  const std::int64_t deadline_ns = base::deadline_after_ms(settle_ms);
  for (;;) {
    std::string text = answer();
    if (text.empty() || base::monotonic_ns() >= deadline_ns) return text;
    poll(nullptr, 0, kPauseMs);
  }
}

// Processes of a process group that have not ended, each with its name. A zombie has ended.
std::string living_in_group(pid_t group) {
  std::string text;
  std::error_code code;
  for (const auto &folder : std::filesystem::directory_iterator("/proc", code)) {
    std::ifstream file(folder.path() / "stat");
    std::string line;
    if (!std::getline(file, line)) continue;  // no process, or it has just ended
    const std::size_t name_end = line.rfind(')');
    char state = 0;
    int parent = 0;
    int its_group = 0;
    if (name_end == std::string::npos ||
        std::sscanf(line.c_str() + name_end + 1, " %c %d %d", &state, &parent, &its_group) != 3)
      continue;
    if (its_group == group && state != 'Z' && state != 'X') {
      text += "\n  " + line.substr(0, name_end + 1);
    }
  }
  return text.empty() ? "" : "processes of the session that outlive it:" + text;
}

bool failed_at_exit = false;

void exit_handler(int status, void *) {
  if (!failed_at_exit || status != EXIT_SUCCESS) return;
  std::fflush(nullptr);
  _exit(EXIT_FAILURE);
}

}  // namespace

std::string find_leaks(std::int64_t settle_ms) {
  client::Session *const session = client::current_session();
  if (session == nullptr) return "";
  client::Leaks leaks;
  settle(settle_ms, [&] {
    session->find_leaks(&leaks);
    return leaks.own.empty() ? client::describe(leaks) : "";  // waiting does not help
  });
  return client::describe(leaks);
}

std::string shutdown_and_find_processes(std::int64_t settle_ms) {
  const pid_t group = client::embedded_raylet();
  shutdown();
  if (group == 0) return "";
  return settle(settle_ms, [group] { return living_in_group(group); });
}

void fail_at_exit(const std::string &text) {
  std::fprintf(stderr, "mobula::TestRuntime: %s\n", text.c_str());
  if (!std::exchange(failed_at_exit, true)) on_exit(exit_handler, nullptr);
}

}  // namespace mobula::runtime
