// Sessions: beginning, ending, again; attached and embedded; and what is left when a process of one dies.
#include <doctest/doctest.h>

#include <thread>

#include "process/named_session.h"
#include "support/child.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::inside_case;
using mobula::support::run_isolated;
using mobula::support::run_program;
using ray::internal::RayException;

namespace {

int add(int a, int b) { return a + b; }
int sleep_ms(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return ::getpid();
}

RAY_REMOTE(add, sleep_ms);

// Lines of /proc/self/maps and open descriptors: what each session must give back.
std::size_t count_maps() {
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}
std::size_t count_fds() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto &fd : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// Init with `config` throws a RayException; gives its text.
std::string refusal(const ray::RayConfig &config) {
  const std::string text = text_thrown_by<RayException>([&] { ray::Init(config); });
  CHECK_FALSE(ray::IsInitialized());
  ray::Shutdown();
  return text;
}

std::string refusal_with(const char *variable, const char *value) {
  const char *before = std::getenv(variable);
  const std::string saved = before == nullptr ? "" : before;
  ::setenv(variable, value, 1);
  const std::string text = refusal({});
  ::setenv(variable, saved.c_str(), 1);
  return text;
}

// A driver's whole life in a session: puts and tasks of its own. True if every result is right.
bool use_session(int seed) {
  std::vector<ray::ObjectRef<int>> results;
  for (int i = 0; i < 500; ++i) results.push_back(ray::Task(add).Remote(ray::Put(seed), i));
  const auto values = ray::Get(results);
  for (int i = 0; i < 500; ++i) {
    if (*values[static_cast<std::size_t>(i)] != seed + i) return false;
  }
  return true;
}

void attach_and_use(const std::string &session, int seed) {
  ray::RayConfig config;
  config.address = session;
  ray::Init(config);
  std::puts(use_session(seed) ? "right" : "wrong");
  ray::Shutdown();
}

void shut_down_after_death_of_raylet() {
  const pid_t raylet = raylet_of(own_session());
  std::vector<pid_t> others = process_tree(raylet);
  const auto pending = ray::Task(sleep_ms).Remote(20'000);
  auto blocked_until = Clock::now();
  std::string text;
  std::thread blocked([&] {
    text = text_thrown_by<RayException>([&] { pending.Get(); });
    blocked_until = Clock::now();
  });
  ::usleep(100'000);
  const auto killed = Clock::now();
  ::kill(raylet, SIGKILL);
  blocked.join();
  CHECK(std::chrono::duration<double>(blocked_until - killed).count() < 1.0);
  CHECK(contains(text, "raylet"));
  CHECK_THROWS_AS(ray::Task(sleep_ms).Remote(1).Get(), RayException);
  CHECK_THROWS_AS(ray::Put(std::string(10'000'000, 'x')), RayException);
  others.erase(others.begin());  // the raylet is our child: Shutdown reaps it
  CHECK(all_end(others));
  ray::Shutdown();
}

}  // namespace

TEST_SUITE("process/lifecycle") {
  TEST_CASE("before Init and after Shutdown every call throws and says what to do") {
    CHECK(run_isolated(small_session(), [] {
      CHECK_FALSE(ray::IsInitialized());
      ray::Shutdown();
      CHECK(contains(text_thrown_by<RayException>([] { ray::Put(1); }), "ray::Init"));
      CHECK(contains(text_thrown_by<RayException>([] { ray::Task(add).Remote(1, 2); }), "ray::Init"));
      ray::Init();
      ray::Init();
      CHECK(ray::IsInitialized());
      const auto reference = ray::Put(1);
      const auto task = ray::Task(add).Remote(1, 2);
      ray::Shutdown();
      ray::Shutdown();
      CHECK_FALSE(ray::IsInitialized());
      CHECK(contains(text_thrown_by<RayException>([&] { reference.Get(); }), "ray::Init"));
      CHECK(contains(text_thrown_by<RayException>([&] { task.Get(1'000); }), "ray::Init"));
      CHECK_THROWS_AS(ray::Wait(std::vector<ray::ObjectRef<int>>{reference}, 1, 10), RayException);
    }));
  }

  TEST_CASE("fifty sessions, one after the other, leave no descriptor and no mapping behind") {
    CHECK(run_isolated(small_session(60'000), [] {
      std::size_t fds = 0;
      std::size_t maps = 0;
      for (int i = 0; i < 50; ++i) {
        ray::Init();
        CHECK(*ray::Task(add).Remote(i, ray::Put(i)).Get() == 2 * i);
        ray::Shutdown();
        if (i == 4) fds = count_fds();
        if (i == 4) maps = count_maps();
      }
      CHECK(count_fds() == fds);
      CHECK(count_maps() <= maps + 2);
    }));
  }

  TEST_CASE("Shutdown does not wait for tasks that run, and their workers end") {
    CHECK(run_isolated(small_session(), [] {
      ray::Init();
      ray::Task(add).Remote(1, 1).Get();
      std::vector<ray::ObjectRef<int>> running;
      for (int i = 0; i < 10; ++i) running.push_back(ray::Task(sleep_ms).Remote(20'000));
      ::usleep(50'000);
      const auto start = Clock::now();
      ray::Shutdown();
      CHECK(milliseconds_since(start) < 2'000);
    }));
  }

  TEST_CASE("the number of workers and the memory are those of the environment, and head_args win") {
    CHECK(run_isolated(small_session(30'000, {{"MOBULA_WORKERS", "3"}, {"MOBULA_MEMORY", "16MiB"}}), [] {
      ray::Init();
      CHECK(number_after(status_of(own_session()), "capacity_bytes") == 16u << 20);
      ray::Shutdown();
      ray::RayConfig config;
      config.head_args = {"--num-cpus", "1", "--object-store-memory=33554432", "--dashboard-port", "0"};
      ray::Init(config);
      CHECK(number_after(status_of(own_session()), "capacity_bytes") == 32u << 20);
      ray::Task(add).Remote(1, 1).Get();
      const auto start = Clock::now();
      ray::Get(std::vector<ray::ObjectRef<int>>{ray::Task(sleep_ms).Remote(100), ray::Task(sleep_ms).Remote(100)});
      CHECK(milliseconds_since(start) >= 200);
      ray::Shutdown();
    }));
  }

  TEST_CASE("values that make no sense are refused by name, and a good Init may follow") {
    CHECK(run_isolated(small_session(), [] {
      for (const char *value : {"0", "-1", "many", "2x", "1000000"}) {
        CAPTURE(value);
        CHECK(contains(refusal_with("MOBULA_WORKERS", value), "MOBULA_WORKERS"));
      }
      for (const char *value : {"lots", "1QiB", "-5", "MiB"}) {
        CAPTURE(value);
        CHECK(contains(refusal_with("MOBULA_MEMORY", value), "MOBULA_MEMORY"));
      }
      CHECK_FALSE(refusal_with("MOBULA_MEMORY", "4000TiB").empty());
      ray::RayConfig config;
      config.head_args = {"--num-cpus", "none"};
      CHECK(contains(refusal(config), "--num-cpus"));
      config.head_args = {"--object-store-memory", "-1"};
      CHECK(contains(refusal(config), "--object-store-memory"));
      ray::Init();
      CHECK(*ray::Task(add).Remote(1, 1).Get() == 2);
      ray::Shutdown();
    }));
  }

  TEST_CASE("a session that does not run is refused with the command that starts it") {
    CHECK(run_isolated(small_session(), [] {
      ray::RayConfig config;
      config.address = "no-such-session";
      CHECK(contains(refusal(config), "mobula start --session no-such-session"));
      CHECK(contains(refusal_with("RAY_ADDRESS", "another"), "mobula start --session another"));
      config.address = "../escape";
      CHECK_FALSE(refusal(config).empty());
    }));
  }

  TEST_CASE("two drivers share a named session and nothing else, and the session outlives them") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("shared");
      Child first([] { attach_and_use("shared", 1'000); });
      Child second([] { attach_and_use("shared", 2'000); });
      CHECK(first.read_line() == "right");
      CHECK(second.read_line() == "right");
      CHECK(first.wait().exit_code == 0);
      CHECK(second.wait().exit_code == 0);
      attach_and_use("shared", 3'000);
      CHECK_FALSE(has_ended(session.pid()));
    }));
  }

  TEST_CASE("RAY_ADDRESS names the session, a flag overrides it") {
    CHECK(run_isolated(small_session(30'000, {{"RAY_ADDRESS", "by-name"}}), [] {
      const NamedSession session("by-name");
      ray::Init();
      CHECK(use_session(5));
      CHECK(number_after(status_of("by-name"), "capacity_bytes") == 32u << 20);
      ray::Shutdown();
      char name[] = "program", flag[] = "--ray_address=somewhere-else";
      char *argv[] = {name, flag, nullptr};
      CHECK(contains(text_thrown_by<RayException>([&] { ray::Init({}, 2, argv); }), "somewhere-else"));
    }));
  }

  TEST_CASE("when the raylet is killed a blocked Get throws within a second, workers end, and Init works again") {
    CHECK(run_isolated(small_session(), [] {
      ray::Init();
      ray::Task(add).Remote(1, 1).Get();
      shut_down_after_death_of_raylet();
      ray::Init();
      CHECK(*ray::Task(add).Remote(1, 1).Get() == 2);
      ray::Shutdown();
    }));
  }

  TEST_CASE("when the template is killed, tasks go on with a new one or fail, but do not hang") {
    CHECK(in_session([] {
      ray::Task(add).Remote(1, 1).Get();
      const pid_t raylet = raylet_of(own_session());
      pid_t worker_template = 0;
      std::ifstream("/proc/" + std::to_string(raylet) + "/task/" + std::to_string(raylet) + "/children") >>
          worker_template;
      ::kill(worker_template, SIGKILL);
      CHECK(all_end({worker_template}));
      const auto result = ray::Task(add).Remote(1, 1);
      CHECK(ray::Wait(std::vector<ray::ObjectRef<int>>{result}, 1, 10'000).ready.size() == 1);
    }));
  }

  TEST_CASE("when a named session's raylet is killed, the next one of that name starts without clean-up") {
    CHECK(run_isolated(small_session(), [] {
      NamedSession first("again");
      ray::RayConfig config;
      config.address = "again";
      ray::Init(config);
      CHECK(use_session(1));
      ::kill(first.pid(), SIGKILL);
      CHECK_THROWS_AS(ray::Task(sleep_ms).Remote(1).Get(5'000), RayException);
      ray::Shutdown();
      const NamedSession second("again");
      attach_and_use("again", 2);
    }));
  }

  TEST_CASE("in a forked child handles do nothing, calls throw, and Init begins a session of its own") {
    CHECK(in_session([] {
      const auto held = ray::Put(std::string(1000, 'h'));
      const auto pending = ray::Task(sleep_ms).Remote(300);
      Child child([&held, &pending] {
        CHECK_FALSE(ray::IsInitialized());
        CHECK_THROWS_AS(held.Get(), RayException);
        CHECK_THROWS_AS(pending.Get(), RayException);
        { const auto copy = held; }
        ray::Shutdown();
        ray::Init();
        CHECK(use_session(7));
        CHECK_THROWS_AS(held.Get(), RayException);
        ray::Shutdown();
        std::puts("done");
      });
      CHECK(child.read_line() == "done");
      CHECK(child.wait().exit_code == 0);
      CHECK(*held.Get() == std::string(1000, 'h'));
      CHECK(*pending.Get() > 0);
      CHECK(use_session(8));
    }));
  }

  TEST_CASE("when the driver is killed while tasks run, raylet, template and workers end and leave nothing") {
    CHECK(run_isolated(small_session(), [] {
      Child driver([] {
        ray::Init();
        ray::Task(add).Remote(1, 1).Get();
        std::vector<ray::ObjectRef<int>> running;
        for (int i = 0; i < 20; ++i) running.push_back(ray::Task(sleep_ms).Remote(20'000));
        const auto held = ray::Put(std::string(10'000'000, 'x'));
        std::puts("running");
        std::fflush(stdout);
        ray::Get(running);
      });
      CHECK(driver.read_line() == "running");
      std::vector<pid_t> processes = process_tree(driver.pid());
      CHECK(processes.size() >= 5);  // driver, raylet, template, two workers
      driver.kill();
      CHECK(all_end(processes));
    }));
  }

  TEST_CASE("a killed driver of a named session takes its tasks along, and others go on") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("others");
      Child driver([] {
        ::setenv("RAY_ADDRESS", "others", 1);
        ray::Init();
        std::vector<ray::ObjectRef<int>> running;
        for (int i = 0; i < 20; ++i) running.push_back(ray::Task(sleep_ms).Remote(5'000));
        const auto held = ray::Put(std::string(10'000'000, 'x'));
        std::puts("running");
        std::fflush(stdout);
        ray::Get(running);
      });
      CHECK(driver.read_line() == "running");
      driver.kill();
      const auto start = Clock::now();
      attach_and_use("others", 9);
      CHECK(milliseconds_since(start) < 4'000);
      CHECK(eventually([] { return number_after(status_of("others"), "used_bytes") < 1'000'000; }));
    }));
  }
}
