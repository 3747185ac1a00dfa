// mobula report: what it tells of real sessions, and the samples that the raylet takes for it.
#include <doctest/doctest.h>
#include <mobula/names.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "process/named_session.h"

using namespace mobula::process;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_isolated;
using mobula::support::run_program;
using mobula::support::RunResult;
using nlohmann::json;
using Text = std::string;

namespace {

constexpr std::size_t kTextBytes = 100'000;

int crash_it(int how) {
  if (how == 1) ::raise(SIGSEGV);
  if (how == 2) throw std::runtime_error("on purpose");
  return how;
}
RAY_REMOTE(crash_it);

RunResult report_of(const std::string &session, std::vector<std::string> more) {
  std::vector<std::string> command{program("MOBULA_COMMAND"), "report", "--session", session};
  command.insert(command.end(), more.begin(), more.end());
  auto options = inside_case();
  options.report = false;  // its words are what the case looks at
  return run_program(command, options);
}

// By way of a file: what the runner keeps of an output is limited.
json json_of(const std::string &session) {
  const std::string path = case_folder() + "/report.json";
  const std::string command = program("MOBULA_COMMAND") + (" report --json --session " + session + " > " + path);
  const RunResult run = run_program({"sh", "-c", command}, inside_case());
  require(run.ok, "mobula report: " + run.reason + run.errors);
  std::ifstream file(path);
  json report = json::parse(file);
  std::filesystem::remove(path);
  return report;
}

// The first one of the list whose `key` contains `text`.
json find(const json &list, const char *key, const std::string &text) {
  for (const json &one : list) {
    if (contains(one[key].get<std::string>(), text)) return one;
  }
  throw std::runtime_error("no " + std::string(key) + " with " + text + " in " + list.dump(1));
}

std::uint64_t wake_ups_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  const std::string key = "voluntary_ctxt_switches:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size(), nullptr, 10);
  }
  throw std::runtime_error("no process " + std::to_string(pid));
}

}  // namespace

TEST_SUITE("process/report") {
  TEST_CASE("objects are told with the line that made them and who holds them, tasks and deaths with their function") {
    CHECK(in_session([] {
      std::vector<ray::ObjectRef<Text>> held;
      for (int i = 0; i < 7; ++i) held.push_back(ray::Put(Text(kTextBytes, 'x')));
      CHECK(*ray::Task(crash_it).Remote(0).Get() == 0);
      CHECK_THROWS(ray::Task(crash_it).Remote(2).Get());
      CHECK_THROWS(ray::Task(crash_it).Remote(1).Get());
      const json report = json_of(own_session());
      const json holding = find(report["holdings"], "site", "report_test.cc:");
      CHECK(holding["objects"] == 7);
      CHECK(holding["bytes"] >= 7 * kTextBytes);
      CHECK(holding["holders"] == std::vector<Text>{"driver " + std::to_string(::getpid())});
      CHECK(report["samples"].back()["references"] >= 7);
      CHECK(find(report["activities"], "what", "crash_it")["end_how"] == "done");
      CHECK(find(report["activities"], "end_how", "threw")["what"] == "crash_it");
      const json death = find(report["deaths"], "how", "killed by SIGSEGV");
      CHECK(death["runs"] == "crash_it");
      CHECK(death["is_bad"] == true);
      CHECK(report["ledgers"]["agree"] == true);
      CHECK(find(report["processes"], "kind", "driver")["pid"] == ::getpid());
    }));
  }

  TEST_CASE("the raylet's last sample before it sleeps is of what stays") {
    CHECK(in_session([] {
      const auto held = ray::Put(Text(kTextBytes, 'x'));
      CHECK(*ray::Task(crash_it).Remote(0).Get() == 0);
      // Soon nothing happens any more: then the newest sample but that of now tells the same.
      CHECK(eventually([] {
        const json samples = json_of(own_session())["samples"];
        if (samples.size() < 2) return false;
        const json &last = samples[samples.size() - 2];
        const json &now = samples.back();
        return now["used_bytes"] == last["used_bytes"] && now["objects"] == last["objects"] &&
               now["references"] == last["references"] && last["used_bytes"] >= kTextBytes;
      }));
    }));
  }

  TEST_CASE("a session that does nothing is not woken for samples") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("idle", {"--workers", "1", "--memory", "8MiB", "--sample-ms", "20"});
      CHECK(eventually([&] {
        const std::uint64_t before = wake_ups_of(session.pid());
        ::usleep(200'000);
        return wake_ups_of(session.pid()) == before;
      }));
    }));
  }

  TEST_CASE("a busy session is sampled at the interval that was asked for, or never") {
    CHECK(run_isolated(small_session(60'000), [] {
      for (const int sample_ms : {50, 0}) {
        const NamedSession session("busy",
                                   {"--workers", "1", "--memory", "8MiB", "--sample-ms", std::to_string(sample_ms)});
        json samples;
        join(session.name(), [&] {
          const auto start = Clock::now();
          while (milliseconds_since(start) < 1'000) ray::Get(ray::Task(crash_it).Remote(0));
          samples = json_of(session.name())["samples"];
        });
        if (sample_ms == 0)
          CHECK(samples.size() == 1);
        else
          CHECK(samples.size() > 5);
        for (std::size_t i = 2; i + 1 < samples.size(); ++i)
          CHECK(samples[i]["at"].get<double>() - samples[i - 2]["at"].get<double>() > 0.049);
      }
    }));
  }

  TEST_CASE("a raylet that was stopped by a signal has a report all the same") {
    CHECK(in_session([] {
      const auto held = ray::Put(Text(kTextBytes, 'x'));
      const pid_t raylet = raylet_of(own_session());
      const std::string path = case_folder() + "/stopped.html";
      ::kill(raylet, SIGSTOP);
      const RunResult run = report_of(own_session(), {"-o", path});
      ::kill(raylet, SIGCONT);
      CHECK(run.exit_code == 0);
      CHECK(contains(run.output, path + " is written"));
      std::ifstream file(path);
      const std::string page{std::istreambuf_iterator<char>(file), {}};
      CHECK(contains(page, "report_test.cc:"));
      CHECK(contains(page, "</html>"));
      std::filesystem::remove(path);
    }));
  }

  TEST_CASE("names that were evicted are listed") {
    CHECK(in_session([] {
      mobula::publish("features", ray::Put(Text(kTextBytes, 'x')));
      const auto evict = run_program({program("MOBULA_COMMAND"), "evict", "--session", own_session()}, inside_case());
      CHECK(evict.ok);
      const json report = json_of(own_session());
      REQUIRE(report["evictions"].size() == 1);
      CHECK(report["evictions"][0]["why"] == "named");
      CHECK(report["evictions"][0]["bytes"] >= kTextBytes);
    }));
  }

  TEST_CASE("without a session, a name for the page, or a place for it, the status is 1 and says why") {
    CHECK(in_session([] {
      const RunResult nameless = report_of(own_session(), {});
      CHECK(nameless.exit_code == 1);
      CHECK(contains(nameless.errors, "-o report.html"));
      const RunResult placeless = report_of(own_session(), {"-o", "/proc/nowhere/report.html"});
      CHECK(placeless.exit_code == 1);
      CHECK(contains(placeless.errors, "cannot write /proc/nowhere/report.html: No such file"));
      const RunResult device = report_of(own_session(), {"-o", "/dev/null"});
      CHECK(device.exit_code == 1);
      CHECK(contains(device.errors, "cannot write /dev/null: it is no file"));
      CHECK(report_of("no-such-session", {"--json"}).exit_code == 1);
    }));
  }
}
