// mobula leaks: 100 leaks of eight kinds, seeded in a driver, workers and actors, are all named with the process that
// keeps them and the line that made them, and nothing else is. MOBULA_TEST_SEED replays another mix.
#include <doctest/doctest.h>
#include <mobula/draft.h>
#include <mobula/pin.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <queue>
#include <random>
#include <thread>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;
using mobula::support::RunResult;
using nlohmann::json;
using Values = std::vector<double>;
using Object = ray::ObjectRef<Values>;
using Gate = std::vector<ray::ObjectRef<int>>;  // packed, so that a task does not wait for what is in it

namespace {

constexpr int kLeaks = 100;
constexpr int kLeaksFound = 3;  // exit status
constexpr unsigned kSeedDefault = 8;

enum Kind { kHeap, kGlobal, kQueue, kClosure, kNested, kStuckTask, kDraft, kMember };
constexpr int kKinds = 8;

// --- the leaks, in whatever process this runs -----------------------------------------------------------------------

std::vector<Object> globals;
std::vector<ray::ObjectRef<std::vector<Object>>> containers;
std::queue<Object> to_do;
std::vector<std::function<std::size_t()>> callbacks;

// Of differing sizes, in the entry and in blocks.
Values values(int index) { return Values(static_cast<std::size_t>(index % 7) * 100 + 3); }

int wait_for_file(std::string path) {
  while (!std::filesystem::exists(path)) ::usleep(10'000);
  return 0;
}
int use(const Values &numbers, int) { return static_cast<int>(numbers.size()); }

// pid, then the lines of the objects that are left behind.
using Record = std::vector<int>;

Record leak(int kind, int index, Gate gate);

class Keeper {
 public:
  static Keeper *Make() { return new Keeper; }
  Record Leak(int kind, int index, Gate gate) {
    if (kind != kMember) return leak(kind, index, std::move(gate));
    members_.push_back(ray::Put(values(index))), line_ = __LINE__;
    return {::getpid(), line_};
  }
  int Keep(Object object) {
    members_.push_back(std::move(object));
    return ::getpid();
  }
  int Count() { return static_cast<int>(members_.size()); }

 private:
  std::vector<Object> members_;
  int line_ = 0;
};

RAY_REMOTE(wait_for_file, use, leak, Keeper::Make, &Keeper::Leak, &Keeper::Keep, &Keeper::Count);

Record leak(int kind, int index, Gate gate) {
  int line = 0;
  switch (kind) {
    case kHeap:
      new Object(ray::Put(values(index))), line = __LINE__;
      break;
    case kGlobal:
      globals.push_back(ray::Put(values(index))), line = __LINE__;
      break;
    case kQueue:
      to_do.push(ray::Put(values(index))), line = __LINE__;
      break;
    case kClosure: {
      const Object object = ray::Put(values(index));
      line = __LINE__ - 1;
      callbacks.emplace_back([object] { return object.Get()->size(); });
      break;
    }
    case kNested: {
      const Object inner = ray::Put(values(index));
      line = __LINE__ - 1;
      containers.push_back(ray::Put(std::vector<Object>{inner}));
      return {::getpid(), line, __LINE__ - 1};
    }
    case kStuckTask: {
      const Object object = ray::Put(values(index));
      line = __LINE__ - 1;
      ray::Task(use).Remote(object, gate.at(0));
      break;
    }
    case kDraft:
      new auto(mobula::create<Values>(1000)), line = __LINE__;
      break;
  }
  return {::getpid(), line};
}

// --- what is expected, and what is said -----------------------------------------------------------------------------

using Place = std::pair<int, int>;    // pid and line
using Places = std::map<Place, int>;  // how many

void add(const Record &record, Places *expected) {
  for (std::size_t i = 1; i < record.size(); ++i) ++(*expected)[{record[0], record[i]}];
}

struct Actors {
  std::vector<ray::ActorHandle<Keeper>> all;
};

// One leak of each kind in turn, each in a process that chance chooses. The driver's are made in place.
void seed_leaks(std::mt19937 &random, const Actors &actors, const Gate &gate, Places *expected) {
  for (int index = 0; index < kLeaks; ++index) {
    const int kind = index % kKinds;
    const auto &actor = actors.all[random() % actors.all.size()];
    const unsigned where = random() % 3;
    if (kind == kMember && where == 0) {
      const Object object = ray::Put(values(index));
      const int line = __LINE__ - 1;
      add({*actor.Task(&Keeper::Keep).Remote(object).Get(), line}, expected);
    } else if (kind == kMember || where == 1) {
      add(*actor.Task(&Keeper::Leak).Remote(kind, index, gate).Get(), expected);
    } else if (where == 2) {
      add(*ray::Task(leak).Remote(kind, index, gate).Get(), expected);
    } else {
      add(leak(kind, index, gate), expected);
    }
  }
}

RunResult leaks_command(std::vector<std::string> more) {
  std::vector<std::string> command{program("MOBULA_COMMAND"), "leaks", "--session", own_session()};
  command.insert(command.end(), more.begin(), more.end());
  auto options = mobula::support::inside_case();
  options.output_bytes_max = 8 << 20;
  options.report = false;  // status 3 is what the case waits for
  return mobula::support::run_program(command, options);
}

Places places_in(const json &report) {
  Places found;
  for (const json &leak : report["leaks"]) {
    const json &site = leak["created_at"];
    const bool is_here = site.is_object() && site["file"].get<std::string>().ends_with("process/leak_report_test.cc");
    ++found[{leak["pid"].is_null() ? 0 : leak["pid"].get<int>(), is_here ? site["line"].get<int>() : 0}];
  }
  return found;
}

std::string differences(const Places &expected, const Places &found) {
  std::string text;
  for (const auto &[place, count] : expected) {
    const auto at = found.find(place);
    const int named = at == found.end() ? 0 : at->second;
    if (named != count) {
      text += "\n  pid " + std::to_string(place.first) + " line " + std::to_string(place.second) + ": " +
              std::to_string(named) + " named of " + std::to_string(count);
    }
  }
  for (const auto &[place, count] : found) {
    if (!expected.contains(place)) {
      text += "\n  false: pid " + std::to_string(place.first) + " line " + std::to_string(place.second) + ": " +
              std::to_string(count);
    }
  }
  return text;
}

void require_report(const Places &expected, const std::string &min_age) {
  const RunResult run = leaks_command({"--min-age", min_age, "--json"});
  require(run.exit_code == kLeaksFound, "exit status " + std::to_string(run.exit_code) + ": " + run.errors);
  const std::string wrong = differences(expected, places_in(json::parse(run.output)));
  require(wrong.empty(), "with --min-age " + min_age + ":" + wrong + "\n" + run.output);
}

unsigned seed() {
  const char *const text = std::getenv("MOBULA_TEST_SEED");
  return text == nullptr ? kSeedDefault : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

// Holds a thousand objects, none of them for long, until its end.
class Churn {
 public:
  Churn() : thread_([this] { run(); }) {}
  ~Churn() {
    stop_ = true;
    thread_.join();
  }
  void await_turns(int turns) const {
    const int end = turns_ + turns;
    while (turns_ < end) ::usleep(1'000);
  }

 private:
  void run() {
    std::deque<Object> held;
    for (int i = 0; !stop_; ++i) {
      held.push_back(ray::Put(values(i)));
      if (held.size() > 1000) held.pop_front();
      if (i % 1000 == 0) ++turns_;
      if (i % 100 == 0) ::usleep(5'000);
    }
  }
  std::atomic<bool> stop_{false};
  std::atomic<int> turns_{0};
  std::thread thread_;
};

}  // namespace

TEST_SUITE("process/leak_report") {
  TEST_CASE("each of 100 leaks is named by process and line, and nothing else is, also beside objects in use") {
    MESSAGE("MOBULA_TEST_SEED=" << seed());
    CHECK(in_session(small_session(120'000, {{"MOBULA_WORKERS", "4"}}), [] {
      const std::string opens = case_folder() + "/opens";
      std::mt19937 random(seed());
      Places expected;
      const Gate gate{ray::Task(wait_for_file).Remote(opens)};
      Actors actors;
      for (int i = 0; i < 3; ++i) actors.all.push_back(ray::Actor(Keeper::Make).Remote());
      seed_leaks(random, actors, gate, &expected);
      require_report(expected, "0s");
      {
        Churn churn;
        ::usleep(3'000'000);
        churn.await_turns(2);
        require_report(expected, "2.5s");
      }
      require(leaks_command({"--min-age", "1h"}).output.empty(), "nothing is an hour old");
      std::ofstream(opens) << "open";
      gate[0].Get();
      std::filesystem::remove(opens);
    }));
  }

  TEST_CASE("a session that holds nothing but what runs is clean: silence, and status 0") {
    CHECK(in_session([] {
      for (int i = 0; i < 20; ++i) ray::Task(use).Remote(ray::Put(values(i)), i).Get();
      const auto actor = ray::Actor(Keeper::Make).Remote();
      CHECK(*actor.Task(&Keeper::Count).Remote().Get() == 0);
      const RunResult run = leaks_command({"--min-age", "0s"});
      CHECK_MESSAGE(run.exit_code == 0, run.output);
      CHECK(run.output.empty());
      CHECK(json::parse(leaks_command({"--min-age", "0s", "--json"}).output)["leaks"].empty());
    }));
  }

  TEST_CASE("the report tells size, holder, why and what to do, also while the raylet is stopped") {
    const RunResult result = in_session([] {
      const auto object = ray::Put(Values(100'000));
      const int line = __LINE__ - 1;
      mobula::pin(object);
      const pid_t raylet = raylet_of(own_session());
      ::kill(raylet, SIGSTOP);
      const RunResult run = leaks_command({"--min-age", "0s"});
      ::kill(raylet, SIGCONT);
      mobula::unpin(object);
      CHECK(run.exit_code == kLeaksFound);
      const std::string place = "process/leak_report_test.cc:" + std::to_string(line);
      for (const std::string &words :
           {std::string("1 object, 781."), std::string("LEAK 1  781."), "object " + hex(object.ID()),
            std::string("1 handle, 1 pin"), "created by  pid " + std::to_string(::getpid()) + " driver  ", place,
            "held by     pid " + std::to_string(::getpid()) + " driver  ", std::string("has pinned it"),
            std::string("mobula::unpin"), std::string("Bytes: objects "), std::string(": equal")}) {
        CHECK_MESSAGE(contains(run.output, words), words << " in " << run.output);
      }
    });
    CHECK(result);
  }

  TEST_CASE("what has grown since a snapshot is told by line") {
    const RunResult result = in_session([] {
      const std::string file = case_folder() + "/before";
      const Object first = ray::Put(Values(1000));
      CHECK(leaks_command({"--min-age", "0s", "--save", file}).exit_code == kLeaksFound);
      const Object second = ray::Put(Values(1000));
      const int line = __LINE__ - 1;
      const RunResult run = leaks_command({"--min-age", "0s", "--since", file});
      std::filesystem::remove(file);
      CHECK_MESSAGE(contains(run.output, "+1 objects  "), run.output);
      CHECK_MESSAGE(contains(run.output, "leak_report_test.cc:" + std::to_string(line)), run.output);
      CHECK(leaks_command({"--since", file}).exit_code == 1);
      CHECK(leaks_command({"--min-age", "soon"}).exit_code == 2);
    });
    CHECK(result);
  }

  TEST_CASE("a hundred thousand objects are told of within a second") {
    CHECK(in_session(small_session(120'000), [] {
      std::vector<ray::ObjectRef<int>> held;
      for (int i = 0; i < 100'000; ++i) held.push_back(ray::Put(i));
      for (const char *const command : {"memory", "leaks --min-age 0s"}) {
        for (const char *const form : {"", " --json"}) {
          const std::string line =
              program("MOBULA_COMMAND") + " " + command + form + " --session " + own_session() + " > /dev/null";
          auto options = mobula::support::inside_case();
          options.report = false;
          const RunResult run = mobula::support::run_program({"sh", "-c", line}, options);
          require(run.exit_code == (command[0] == 'l' ? kLeaksFound : 0), line + ": " + run.errors);
          require(run.elapsed_ms < 1000, line + " took " + std::to_string(run.elapsed_ms) + " ms");
          std::printf("%s%s: %.0f ms\n", command, form, run.elapsed_ms);
        }
      }
    }));
  }
}
