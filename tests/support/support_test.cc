#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include "support/child.h"
#include "support/process_runner.h"

using namespace mobula::support;

namespace {

constexpr std::size_t kLeakBytes = 16 << 20;

// Short limits and no report: these cases are meant to fail.
RunOptions expecting_failure() {
  RunOptions options;
  options.time_limit_ms = 10'000;
  options.orphan_grace_ms = 50;
  options.shmem_settle_ms = 300;
  options.report = false;
  return options;
}

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

// Fills shared memory; the mapping stays until the process ends.
void fill_shared_memory(int fd) {
  require(::ftruncate(fd, kLeakBytes) == 0, "ftruncate");
  require(::posix_fallocate(fd, 0, kLeakBytes) == 0, "posix_fallocate");
}

// Forks a process that outlives the case until it is killed. Gives its pid.
pid_t leave_orphan() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  return pid;
}

}  // namespace

TEST_SUITE("support") {
  TEST_CASE("a clean case passes and its output is captured") {
    const RunResult result = run_isolated({.time_limit_ms = 10'000}, [] {
      std::puts("to stdout");
      std::fputs("to stderr\n", stderr);
    });
    CHECK(result);
    CHECK(result.output == "to stdout\n");
    CHECK(result.errors == "to stderr\n");
    CHECK(result.exit_code == 0);
  }

  TEST_CASE("a case may open and close, fork and reap, write and remove, map and unmap") {
    CHECK(run_isolated({.time_limit_ms = 10'000}, [] {
      const int fd = ::memfd_create("tidy", MFD_CLOEXEC);
      fill_shared_memory(fd);
      ::close(fd);
      const pid_t pid = ::fork();
      if (pid == 0) ::_exit(0);
      ::waitpid(pid, nullptr, 0);
      const std::string name = std::string(std::getenv("XDG_RUNTIME_DIR")) + "/file";
      std::ofstream(name) << "text";
      ::unlink(name.c_str());
    }));
  }

  TEST_CASE("each case has its own runtime folder, readable by its user only") {
    const auto print_folder = [] { std::fputs(std::getenv("XDG_RUNTIME_DIR"), stdout); };
    const RunResult first = run_isolated({}, print_folder);
    const RunResult second = run_isolated({}, print_folder);
    CHECK(first);
    CHECK(first.output != second.output);
    CHECK(::access(first.output.c_str(), F_OK) != 0);
  }

  TEST_CASE("a failing require fails the case, with its text") {
    const RunResult result = run_isolated(expecting_failure(), [] { require(1 + 1 == 3, "one and one is three"); });
    CHECK_FALSE(result);
    CHECK(contains(result.reason, "one and one is three"));
  }

  TEST_CASE("a failing doctest assertion inside the child fails the case") {
    CHECK(contains(run_isolated(expecting_failure(), [] { CHECK(1 == 2); }).reason, "1 failed assertion"));
    CHECK(contains(run_isolated(expecting_failure(), [] { REQUIRE(1 == 2); }).reason, "1 failed assertion"));
  }

  TEST_CASE("an exception of any type fails the case") {
    CHECK(contains(run_isolated(expecting_failure(), [] { throw std::runtime_error("broken"); }).reason, "broken"));
    CHECK_FALSE(run_isolated(expecting_failure(), [] { throw 7; }));
  }

  TEST_CASE("a case that calls exit has not passed") {
    const RunResult result = run_isolated(expecting_failure(), [] { ::_exit(0); });
    CHECK_FALSE(result);
    CHECK(contains(result.reason, "ended early with exit status 0"));
  }

  TEST_CASE("a crash is named by its signal") {
    const RunResult result = run_isolated(expecting_failure(), [] { ::raise(SIGSEGV); });
    CHECK(result.signal == SIGSEGV);
    CHECK(contains(result.reason, "SIGSEGV"));
    CHECK(contains(run_isolated(expecting_failure(), [] { ::raise(SIGABRT); }).reason, "SIGABRT"));
  }

  TEST_CASE("a hang ends at the time limit, with all its processes, and says who was alive") {
    RunOptions options = expecting_failure();
    options.time_limit_ms = 200;
    const RunResult result = run_isolated(options, [] {
      std::printf("%d\n", static_cast<int>(leave_orphan()));
      std::fflush(stdout);
      for (;;) ::pause();
    });
    CHECK(contains(result.reason, "time limit of 200 ms"));
    CHECK(result.elapsed_ms < 5'000);
    const pid_t grandchild = std::stoi(result.output);
    CHECK(contains(result.reason, std::to_string(grandchild)));
    CHECK(::kill(grandchild, 0) != 0);
  }

  TEST_CASE("a descriptor left open, or closed, is found") {
    CHECK(contains(run_isolated(expecting_failure(), [] { ::open("/dev/null", O_RDONLY); }).reason, "/dev/null"));
    CHECK(contains(run_isolated(expecting_failure(), [] { ::close(STDIN_FILENO); }).reason, "closed: fd 0"));
  }

  TEST_CASE("a process left running is found and killed, even when it left the family") {
    const RunResult result = run_isolated(expecting_failure(), [] {
      if (::fork() == 0) {
        ::setsid();
        std::printf("%d\n", static_cast<int>(leave_orphan()));
        std::fflush(stdout);
        ::_exit(0);
      }
      ::wait(nullptr);
    });
    CHECK(contains(result.reason, "process left running"));
    const pid_t orphan = std::stoi(result.output);
    CHECK(::kill(orphan, 0) != 0);
  }

  TEST_CASE("a file left in the runtime folder is found and removed") {
    const RunResult result = run_isolated(expecting_failure(), [] {
      const std::string folder = std::getenv("XDG_RUNTIME_DIR");
      std::ofstream(folder + "/socket") << "left";
      std::fputs(folder.c_str(), stdout);
    });
    CHECK(contains(result.reason, "file left in XDG_RUNTIME_DIR: socket"));
    CHECK(::access(result.output.c_str(), F_OK) != 0);
  }

  TEST_CASE("shared memory without a name, kept by an orphan, is found") {
    const RunResult result = run_isolated(expecting_failure(), [] {
      const int fd = ::memfd_create("leak", MFD_CLOEXEC);
      fill_shared_memory(fd);
      leave_orphan();
      ::close(fd);
    });
    CHECK(contains(result.reason, "shared memory left"));
    CHECK(contains(result.reason, "process left running"));
  }

  TEST_CASE("shared memory with a name is found though no process is left") {
    const std::string name = "/mobula-support-test-" + std::to_string(::getpid());
    const RunResult result = run_isolated(expecting_failure(), [&name] {
      const int fd = ::shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
      require(fd >= 0, "shm_open");
      fill_shared_memory(fd);
      ::close(fd);
    });
    ::shm_unlink(name.c_str());
    CHECK(contains(result.reason, "shared memory left"));
  }

  TEST_CASE("output beyond the limit is read and dropped") {
    RunOptions options;
    options.output_bytes_max = 1000;
    const RunResult result = run_isolated(options, [] {
      for (int line = 0; line < 100'000; ++line) std::puts("a line of output");
    });
    CHECK(result);
    CHECK(result.output.size() == 1000);
  }

  TEST_CASE("a program is run, captured and judged by its exit status") {
    const RunResult good =
        run_program({"sh", "-c", "echo out; echo err >&2; echo $WORD"}, {.environment = {{"WORD", "set"}}});
    CHECK(good);
    CHECK(good.output == "out\nset\n");
    CHECK(good.errors == "err\n");
    const RunResult bad = run_program({"sh", "-c", "exit 3"}, expecting_failure());
    CHECK_FALSE(bad);
    CHECK(bad.exit_code == 3);
    CHECK_FALSE(run_program({"no-such-program-anywhere"}, expecting_failure()));
  }

  TEST_CASE("a program inside a case may leave a daemon for the next program") {
    CHECK(run_isolated({}, [] {
      const RunResult start = run_program({"sh", "-c", "tail -f /dev/null >/dev/null 2>&1 & echo $!"}, inside_case());
      REQUIRE(start);
      const std::string pid = start.output.substr(0, start.output.find('\n'));
      CHECK(run_program({"kill", pid}, inside_case()));
    }));
  }

  TEST_CASE("a child is read line by line, signalled and reaped") {
    CHECK(run_isolated({}, [] {
      Child child([] {
        std::puts("ready");
        std::fflush(stdout);
        for (;;) ::pause();
      });
      CHECK(child.read_line() == "ready");
      CHECK(child.kill().signal == SIGKILL);
      Child program({"sh", "-c", "echo one; echo two; exit 4"});
      CHECK(program.read_line() == "one");
      CHECK(program.read_line() == "two");
      CHECK(program.wait().exit_code == 4);
      CHECK_THROWS(program.read_line());
      Child forgotten([] { ::pause(); });
    }));
  }
}
