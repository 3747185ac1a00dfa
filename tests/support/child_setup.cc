#include "support/child_setup.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <system_error>

#include "support/leak_checks.h"

namespace mobula::support {
namespace {

// A CHECK that fails in the child marks the child's copy of doctest only, which dies with it: count them here.
std::atomic<int> failed_assertions{0};

struct AssertionCounter : doctest::IReporter {
  explicit AssertionCounter(const doctest::ContextOptions &) {}
  void report_query(const doctest::QueryData &) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats &) override {}
  void test_case_start(const doctest::TestCaseData &) override {}
  void test_case_reenter(const doctest::TestCaseData &) override {}
  void test_case_end(const doctest::CurrentTestCaseStats &) override {}
  void test_case_exception(const doctest::TestCaseException &) override {}
  void subcase_start(const doctest::SubcaseSignature &) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData &data) override {
    if (data.m_failed) failed_assertions.fetch_add(1, std::memory_order_relaxed);  // read after the body only
  }
  void log_message(const doctest::MessageData &) override {}
  void test_case_skipped(const doctest::TestCaseData &) override {}
};
REGISTER_LISTENER("child-assertions", 1, AssertionCounter);

// doctest's handlers would print, in the child, a report about the parent's test and then carry on as the parent.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);  // refused for SIGKILL and SIGSTOP
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
  sigset_t empty;
  ::sigemptyset(&empty);
  ::sigprocmask(SIG_SETMASK, &empty, nullptr);
}

void set_environment(const ChildSetup &setup) {
  for (const char *name : {"RAY_ADDRESS", "MOBULA_WORKERS", "MOBULA_MEMORY"}) ::unsetenv(name);
  if (!setup.runtime_dir.empty()) ::setenv("XDG_RUNTIME_DIR", setup.runtime_dir.c_str(), 1);
  if (setup.environment == nullptr) return;
  for (const auto &[name, value] : *setup.environment) ::setenv(name.c_str(), value.c_str(), 1);
}

void redirect(const ChildSetup &setup) {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::close(null);
  if (setup.stdout_fd >= 0) ::dup2(setup.stdout_fd, STDOUT_FILENO);
  if (setup.stderr_fd >= 0) ::dup2(setup.stderr_fd, STDERR_FILENO);
  if (setup.stdout_fd >= 0) ::close(setup.stdout_fd);
  if (setup.stderr_fd >= 0) ::close(setup.stderr_fd);
}

// "" when the body came to its end and nothing in it failed.
std::string run_body(const std::function<void()> &body) {
  try {
    body();
  } catch (const std::exception &problem) {
    return std::string("threw: ") + problem.what();
  } catch (...) {
    if (failed_assertions.load(std::memory_order_relaxed) == 0) return "threw something that is no std::exception";
  }
  const int failed = failed_assertions.load(std::memory_order_relaxed);
  return failed == 0 ? "" : std::to_string(failed) + " failed assertion(s), see the output";
}

}  // namespace

void run_in_child(const ChildSetup &setup, const std::function<void()> &body) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test program that is killed takes its case along
  if (setup.new_session) ::setsid();
  reset_signals();
  set_environment(setup);
  redirect(setup);
  failed_assertions.store(0, std::memory_order_relaxed);
  const auto fds_before = setup.check_fds ? open_fds() : std::map<int, std::string>();
  std::string verdict = run_body(body);
  if (setup.check_fds) {
    const std::string difference = describe_fd_difference(fds_before, open_fds());
    if (!difference.empty()) verdict += (verdict.empty() ? "" : "; ") + difference;
  }
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  if (setup.verdict_fd < 0 && !verdict.empty()) std::fprintf(stderr, "%s\n", verdict.c_str());
  const std::string message = std::string(kVerdictStart) + verdict;
  if (setup.verdict_fd >= 0 && ::write(setup.verdict_fd, message.data(), message.size()) < 0) ::_exit(2);
  ::_exit(verdict.empty() ? 0 : 1);
}

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

void exec_program(const std::vector<std::string> &argv) {
  std::vector<char *> words;
  for (const std::string &word : argv) words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  throw std::system_error(errno, std::generic_category(), argv.front());
}

}  // namespace mobula::support
