// Metrics of real sessions: printed by the command, written to a file, served by the raylet.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "process/named_session.h"

using namespace mobula::process;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_isolated;
using mobula::support::run_program;
using mobula::support::RunResult;

namespace {

constexpr std::size_t kObjectBytes = 100'000;

int add(int a, int b) { return a + b; }
int sleep_ms(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return wait_ms;
}
struct Counter {
  static Counter *make() { return new Counter; }
  int next() { return ++count; }
  int count = 0;
};
RAY_REMOTE(add, sleep_ms, Counter::make, &Counter::next);

RunResult metrics(const std::string &session, std::vector<std::string> more = {}) {
  std::vector<std::string> command{program("MOBULA_COMMAND"), "metrics", "--session", session};
  command.insert(command.end(), more.begin(), more.end());
  return run_program(command, inside_case());
}

// The value of "mobula_NAME{session="SESSION"LABELS}", -1 when there is no such line.
double value_of(const std::string &text, const std::string &session, const std::string &name,
                const std::string &labels = "") {
  const std::string start = "\nmobula_" + name + "{session=\"" + session + "\"" + labels + "} ";
  const std::size_t found = text.find(start);
  return found == std::string::npos ? -1 : std::strtod(text.c_str() + found + start.size(), nullptr);
}
double own_value(const std::string &name, const std::string &labels = "") {
  const RunResult run = metrics(own_session());
  require(run.exit_code == 0, run.errors);
  return value_of(run.output, own_session(), name, labels);
}

// One request to 127.0.0.1, and all that comes back.
std::string exchange(std::uint64_t port, const std::string &request) {
  const int peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(::connect(peer, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0, "connect");
  require(::send(peer, request.data(), request.size(), MSG_NOSIGNAL) > 0, "send");
  std::string answer;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::recv(peer, buffer.data(), buffer.size(), 0)) > 0;)
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  ::close(peer);
  return answer;
}

std::size_t threads_of(pid_t pid) {
  const std::filesystem::directory_iterator threads("/proc/" + std::to_string(pid) + "/task");
  return static_cast<std::size_t>(std::distance(threads, {}));
}

}  // namespace

TEST_SUITE("process/metrics") {
  TEST_CASE("the command's figures are those of the session") {
    CHECK(in_session([] {
      std::vector<ray::ObjectRef<std::string>> held;
      for (int i = 0; i < 7; ++i) held.push_back(ray::Put(std::string(kObjectBytes, 'x')));
      require(*ray::Task(add).Remote(1, 2).Get() == 3, "a task");
      const auto actor = ray::Actor(Counter::make).SetMaxRestarts(3).Remote();
      require(*actor.Task(&Counter::next).Remote().Get() == 1, "a call");
      CHECK(eventually([] { return own_value("tasks", ",state=\"running\"") == 0; }));
      CHECK(own_value("tasks", ",state=\"queued\"") == 0);
      CHECK(own_value("store_capacity_bytes") == 64.0 * 1024 * 1024);
      CHECK(own_value("store_used_bytes") >= 7.0 * kObjectBytes);
      CHECK(own_value("store_objects") == static_cast<double>(store_figure("objects")));
      CHECK(own_value("clients", ",kind=\"driver\"") == 1);
      CHECK(own_value("actors") == 1);
      const std::string json = metrics(own_session(), {"--json"}).output;
      const std::size_t capacity = json.find("\"name\": \"mobula_store_capacity_bytes\"");
      CHECK(number_after(json, "value", capacity) == 64u << 20);
      CHECK(own_value("handles") >= 8);
      const double age = own_value("oldest_reference_age_seconds");
      CHECK(age > 0);
      CHECK(age < 60);
      ::usleep(20'000);
      CHECK(own_value("oldest_reference_age_seconds") > age);
    }));
  }

  TEST_CASE("queued and running tasks are told apart") {
    CHECK(in_session(small_session(30'000, {{"MOBULA_WORKERS", "1"}}), [] {
      std::vector<ray::ObjectRef<int>> tasks;
      for (int i = 0; i < 5; ++i) tasks.push_back(ray::Task(sleep_ms).Remote(i == 0 ? 2'000 : 1));
      CHECK(eventually([] {
        return own_value("tasks", ",state=\"running\"") == 1 && own_value("tasks", ",state=\"queued\"") == 4;
      }));
      CHECK(own_value("workers", ",state=\"running\"") == 1);
      ray::Get(tasks);
    }));
  }

  TEST_CASE("a file is replaced, also while the raylet is stopped by a signal; without a session it stays") {
    CHECK(in_session([] {
      const auto held = ray::Put(std::string(kObjectBytes, 'x'));
      const std::string path = case_folder() + "/mobula.prom";
      const pid_t raylet = raylet_of(own_session());
      ::kill(raylet, SIGSTOP);
      const RunResult run = metrics(own_session(), {"-o", path});
      ::kill(raylet, SIGCONT);
      CHECK(run.exit_code == 0);
      CHECK(run.output.empty());
      std::stringstream text;
      text << std::ifstream(path).rdbuf();
      CHECK(value_of(text.str(), own_session(), "store_objects") == 1);
      auto quiet = inside_case();
      quiet.report = false;
      CHECK(run_program({program("MOBULA_COMMAND"), "metrics", "--session", "nobody", "-o", path}, quiet).exit_code ==
            1);
      CHECK(std::filesystem::file_size(path) == text.str().size());
      std::filesystem::remove(path);
    }));
  }

  TEST_CASE("the raylet serves them on a port of 127.0.0.1, with no thread more") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("served", {"--workers", "1", "--memory", "32MiB", "--metrics-port", "0"});
      const std::uint64_t port = number_after(status_of("served"), "metrics_port");
      REQUIRE(port != 0);
      join("served", [&] {
        const auto held = ray::Put(std::string(kObjectBytes, 'x'));
        require(*ray::Task(add).Remote(1, 2).Get() == 3, "a task");
        for (int i = 0; i < 50; ++i) {
          const std::string answer = exchange(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
          CHECK(contains(answer, "HTTP/1.1 200 OK\r\n"));
          CHECK(value_of(answer, "served", "clients", ",kind=\"driver\"") == 1);
          CHECK(value_of(answer, "served", "tasks_finished_total") == 1);
          CHECK(value_of(answer, "served", "store_used_bytes") >= kObjectBytes);
        }
        CHECK(contains(exchange(port, "GET /other HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 "));
      });
      CHECK(threads_of(session.pid()) == 1);
      auto quiet = inside_case();
      quiet.report = false;
      const RunResult second =
          run_program({program("MOBULA_RAYLET"), "--session", "second", "--metrics-port", std::to_string(port)}, quiet);
      CHECK(second.exit_code == 1);
      CHECK(contains(second.errors, "cannot listen on 127.0.0.1:" + std::to_string(port)));
    }));
  }
}
