// mobula doctor: what it says about sessions that are whole, stopped, or damaged.
#include "tools/doctor.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "process/session_case.h"
#include "support/child.h"

using namespace mobula::process;
using mobula::segment::EntryHeader;
using mobula::segment::Segment;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_isolated;
using mobula::support::run_program;
using mobula::support::RunResult;

namespace {

constexpr int kMismatch = 3;
constexpr std::uint32_t kNeverGivenOut = 40;  // a client id

int add(int a, int b) { return a + b; }
int length(const std::string &text) { return static_cast<int>(text.size()); }
RAY_REMOTE(add, length);

std::vector<pid_t> workers_of(const std::string &session) {
  std::vector<pid_t> workers;
  const std::string status = status_of(session);
  const std::string key = "\"pid\": ";
  for (std::size_t at = status.find("\"workers\": ["); (at = status.find(key, at)) != std::string::npos; ++at)
    workers.push_back(static_cast<pid_t>(std::strtol(status.c_str() + at + key.size(), nullptr, 10)));
  return workers;
}

RunResult doctor(std::vector<std::string> more = {}) {
  std::vector<std::string> command{program("MOBULA_COMMAND"), "doctor", "--session", own_session()};
  command.insert(command.end(), more.begin(), more.end());
  auto options = inside_case();
  options.report = false;  // its words are what the case looks at
  return run_program(command, options);
}

// As a tool that may write; the driver itself is too well behaved.
std::unique_ptr<Segment> open_segment() {
  std::unique_ptr<Segment> segment;
  const auto status = mobula::tools::open_segment_of(raylet_of(own_session()), &segment);
  require(status == nullptr, status == nullptr ? "" : status->message);
  return segment;
}

// The entry of the one object with a block of its own.
EntryHeader &entry_with_block(const Segment &segment) {
  for (std::uint32_t entry = 0; entry < segment.entries_reserved(); ++entry) {
    EntryHeader &header = segment.entry(entry);
    const bool is_used = (header.state.load() & 7) != 0;
    if (is_used && header.offset != mobula::segment::kInlineOffset) return header;
  }
  throw std::runtime_error("no object has a block");
}

// A whole session, then damage, then the doctor's words about it, then whole again.
void expect_words(const std::function<void(EntryHeader &)> &damage, const std::function<void(EntryHeader &)> &repair,
                  const std::string &ledger, const std::string &words) {
  const auto held = ray::Put(std::string(10'000, 'x'));
  const auto segment = open_segment();
  EntryHeader &entry = entry_with_block(*segment);
  CHECK(mismatches_in(own_session()) == "");
  damage(entry);
  const RunResult text = doctor();
  const RunResult json = doctor({"--json"});
  repair(entry);
  CHECK(text.exit_code == kMismatch);
  CHECK(contains(text.output, "1 mismatch in 1 of 4 ledgers"));
  CHECK(contains(text.output, "  " + ledger + ": "));
  CHECK(contains(text.output, words));
  CHECK(json.exit_code == kMismatch);
  CHECK(contains(json.output, "\"ok\": false"));
  CHECK(contains(json.output, "\"ledger\": \"" + ledger + "\""));
  CHECK(mismatches_in(own_session()) == "");
}

}  // namespace

TEST_SUITE("process/doctor") {
  TEST_CASE("a session in use is clean, and its objects, handles and bytes are told") {
    CHECK(in_session([] {
      std::vector<ray::ObjectRef<std::string>> held;
      for (int i = 0; i < 7; ++i) held.push_back(ray::Put(std::string(100'000, 'x')));
      std::vector<ray::ObjectRef<int>> results;
      for (int i = 0; i < 5; ++i) results.push_back(ray::Task(add).Remote(i, 1));
      ray::Get(results);
      const RunResult text = doctor();
      CHECK(text.exit_code == 0);
      CHECK(contains(text.output, "Session " + own_session() + ": 4 ledgers agree: 12 objects, 1 process holds"));
      const RunResult json = doctor({"--json"});
      CHECK(json.exit_code == 0);
      CHECK(contains(json.output, "\"objects\": 12,\n  \"ok\": true"));
      CHECK(number_after(json.output, "used") >= 700'000);
      CHECK(number_after(json.output, "kernel") == number_after(json.output, "reserved"));
    }));
  }

  TEST_CASE("who is stopped by a signal is found, and a store that is nearly full, with what to do; no failures") {
    CHECK(in_session([] {
      const auto held = ray::Put(std::string(60u << 20, 'x'));
      require(*ray::Task(add).Remote(1, 2).Get() == 3, "a task");
      const pid_t worker = workers_of(own_session()).at(0);
      ::kill(worker, SIGSTOP);
      RunResult text;
      CHECK(eventually([&] { return contains((text = doctor()).output, " is stopped by a signal"); }));
      const RunResult json = doctor({"--json"});
      ::kill(worker, SIGCONT);
      CHECK(text.exit_code == 0);
      CHECK(contains(text.output, "  pid " + std::to_string(worker) + " (worker "));
      CHECK(contains(text.output, "kill -CONT " + std::to_string(worker)));
      CHECK(contains(text.output, "  the store is 9"));
      CHECK(contains(text.output, "; pid " + std::to_string(::getpid()) + " (driver "));
      CHECK(contains(text.output, "doctor_test.cc:"));
      CHECK(contains(json.output, "\"what\": \"the store is 9"));
      CHECK(eventually([] { return !contains(doctor().output, " is stopped by a signal"); }));
    }));
  }

  TEST_CASE("a raylet that was stopped by a signal is examined all the same") {
    CHECK(in_session([] {
      const auto held = ray::Put(std::string(100'000, 'x'));
      const pid_t raylet = raylet_of(own_session());
      ::kill(raylet, SIGSTOP);
      const RunResult text = doctor();
      ::kill(raylet, SIGCONT);
      CHECK(text.exit_code == 0);
      CHECK(contains(text.output, "4 ledgers agree: 1 object, 1 process holds 1 handle,"));
      CHECK(contains(text.output, "  the raylet (pid " + std::to_string(raylet) + ") is stopped by a signal: "));
    }));
  }

  TEST_CASE("a bit of a client that never was is named, with status 3") {
    const std::uint64_t bit = 1ull << kNeverGivenOut;
    CHECK(in_session([&] {
      expect_words([&](EntryHeader &entry) { entry.holders.fetch_or(bit); },
                   [&](EntryHeader &entry) { entry.holders.fetch_and(~bit); }, "entries",
                   "sealed) has the holder bit of client 40 (never given out)");
    }));
  }

  TEST_CASE("a holder bit that was cleared under its holder is named with the process") {
    CHECK(in_session([] {
      std::uint64_t bits = 0;
      expect_words(
          [&](EntryHeader &entry) { bits = entry.holders.exchange(0); },
          [&](EntryHeader &entry) { entry.holders.fetch_or(bits); }, "handles",
          "sealed) counts 1 handle, but the holder bit is not set. To do: end process " + std::to_string(::getpid()));
    }));
  }

  TEST_CASE("a block that was moved outside of what is reserved is named") {
    CHECK(in_session([] {
      std::uint64_t offset = 0;
      expect_words([&](EntryHeader &entry) { offset = std::exchange(entry.offset, 1ull << 40); },
                   [&](EntryHeader &entry) { entry.offset = offset; }, "extents", "lies outside of the");
    }));
  }

  TEST_CASE("without a session the status is 1, with a wrong option 2") {
    CHECK(run_isolated(small_session(), [] {
      const RunResult nobody = doctor();
      CHECK(nobody.exit_code == 1);
      CHECK(contains(nobody.errors, "no session"));
      CHECK(doctor({"--no-such-option"}).exit_code == 2);
    }));
  }

  TEST_CASE("steps in progress of a session that never rests are no mismatches") {
    CHECK(in_session(small_session(60'000), [] {
      std::atomic<bool> stop{false};
      std::vector<std::thread> threads;
      const auto shared = ray::Put(std::string(100'000, 'x'));
      for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&stop, &shared] {
          while (!stop) {
            std::vector<ray::ObjectRef<int>> results;
            for (int task = 0; task < 20; ++task) results.push_back(ray::Task(length).Remote(shared));
            for (int put = 0; put < 1'000; ++put) static_cast<void>(ray::Put(put).ID());
            ray::Get(results);
          }
        });
      }
      for (int run = 0; run < 30; ++run) CHECK(mismatches_in(own_session()) == "");
      stop = true;
      for (std::thread &thread : threads) thread.join();
    }));
  }

  TEST_CASE("a session is clean while workers run and after they were killed in the middle of it") {
    CHECK(in_session(small_session(60'000), [] {
      std::size_t killed = 0;
      for (int round = 0; round < 10; ++round) {
        const auto argument = ray::Put(std::string(50'000, 'x'));
        std::vector<ray::ObjectRef<int>> results;
        for (int i = 0; i < 300; ++i) results.push_back(ray::Task(length).Remote(argument));
        CHECK(mismatches_in(own_session()) == "");
        for (const pid_t worker : workers_of(own_session())) killed += ::kill(worker, SIGKILL) == 0 ? 1 : 0;
        CHECK(mismatches_in(own_session()) == "");
      }
      CHECK(killed >= 10);
    }));
  }
}
