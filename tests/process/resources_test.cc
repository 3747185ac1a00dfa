// Tasks and actors that ask for resources: they wait for them, get no more than there is, and give them back.
#include <doctest/doctest.h>
#include <mobula/cancel.h>
#include <mobula/task.h>

#include <mutex>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;
using ray::internal::RayException;

namespace {

// How many run at the same time, by a file for each that runs.
int most_at_once(std::string folder, int time_ms) {
  const std::string own = folder + "/" + std::to_string(::getpid());
  std::ofstream(own) << 'x';
  int most = 0;
  for (const auto start = Clock::now(); milliseconds_since(start) < time_ms; ::usleep(2'000)) {
    int count = 0;
    for (const auto &file : std::filesystem::directory_iterator(folder)) count += file.path().empty() ? 0 : 1;
    most = std::max(most, count);
  }
  std::filesystem::remove(own);
  return most;
}
std::string variable(std::string name) {
  const char *const value = std::getenv(name.c_str());
  return value == nullptr ? "(none)" : value;
}
std::string folder_now() { return std::filesystem::current_path().string(); }
int add_in(int value, std::string resource) {
  if (resource.empty()) return value + 1;
  return *ray::Task(add_in).SetResource(resource, 1.0).Remote(value, std::string()).Get() + 1;
}
int wait_for_file(std::string path) {
  while (!std::filesystem::exists(path)) ::usleep(1'000);
  return 1;
}
RAY_REMOTE(most_at_once, variable, folder_now, add_in, wait_for_file);

struct Holder {
  static Holder *make() { return new Holder; }
  std::string gpus() { return variable("CUDA_VISIBLE_DEVICES"); }
  std::string value_of(std::string name) { return variable(name); }
  int pid() { return ::getpid(); }
};
RAY_REMOTE(Holder::make, &Holder::gpus, &Holder::value_of, &Holder::pid);

mobula::support::RunResult with_resources(const std::vector<std::string> &head_args,
                                          const std::function<void()> &body) {
  return mobula::support::run_isolated(small_session(60'000), [&] {
    ray::RayConfig config;
    config.head_args = head_args;
    ray::Init(config);
    body();
    const std::string mismatches = mismatches_in(own_session());
    require(mismatches.empty(), mismatches);
    ray::Shutdown();
  });
}

int most_of(int count, const std::function<ray::ObjectRef<int>(const std::string &)> &submit) {
  const std::string folder = case_folder() + "/running";
  std::filesystem::create_directory(folder);
  std::vector<ray::ObjectRef<int>> all;
  for (int i = 0; i < count; ++i) all.push_back(submit(folder));
  int most = 0;
  for (const auto &one : all) most = std::max(most, *one.Get());
  std::filesystem::remove(folder);
  return most;
}

}  // namespace

TEST_CASE("no more tasks run than resources are there, and fractions share them") {
  CHECK(with_resources({"--num-cpus", "4", "--resources={\"x\": 2}"}, [] {
    const auto with = [](double x, double cpu) {
      return [=](const std::string &folder) {
        return ray::Task(most_at_once).SetResource("x", x).SetResource("CPU", cpu).Remote(folder, 60);
      };
    };
    require(most_of(6, with(1, 1)) == 2, "two of x");
    require(most_of(6, with(2, 1)) == 1, "one at a time");
    require(most_of(8, with(0.5, 1)) == 4, "halves");
    require(most_of(6, with(0.1, 2)) == 2, "two CPUs each, of four");
    require(most_of(3, with(0.1, 4)) == 1, "all CPUs");
    require(most_of(8, with(0.1, 0.5)) >= 5, "more of them than CPUs");
  }));
}

TEST_CASE("a task that takes all CPUs runs alone, among tasks that ask for nothing") {
  CHECK(with_resources({"--num-cpus", "3"}, [] {
    const std::string folder = case_folder() + "/running";
    std::filesystem::create_directory(folder);
    std::vector<ray::ObjectRef<int>> usual;
    for (int i = 0; i < 12; ++i) usual.push_back(ray::Task(most_at_once).Remote(folder, 30));
    auto alone = ray::Task(most_at_once).SetResource("CPU", 3.0).Remote(folder, 100);
    for (int i = 0; i < 12; ++i) usual.push_back(ray::Task(most_at_once).Remote(folder, 30));
    require(*alone.Get() == 1, "alone");
    for (const auto &one : usual) require(*one.Get() <= 3, "three at a time");
    std::filesystem::remove(folder);
  }));
}

TEST_CASE("what can never be met fails at once and says what was asked and what there is") {
  CHECK(with_resources({"--num-cpus", "2", "--resources", "{\"x\": 1}"}, [] {
    auto task = ray::Task(variable).SetResource("CPU", 2.0).SetResource("gpu_x", 1.0).Remote("A");
    auto needs_it = ray::Task(variable).Remote(task);
    const std::string text = text_thrown_by<ray::internal::RayUnschedulableException>([&] { task.Get(); });
    require(contains(text, "asked: CPU 2, gpu_x 1; the session has: CPU 2, x 1"), text);
    require(contains(text, "variable"), "the task is named: " + text);
    require(contains(text_thrown_by<RayException>([&] { needs_it.Get(); }), "asked: CPU 2"), "and its dependants know");
    auto actor = ray::Actor(Holder::make).SetResource("x", 2.0).Remote();
    const std::string of_actor =
        text_thrown_by<ray::internal::RayActorException>([&] { actor.Task(&Holder::pid).Remote().Get(); });
    require(contains(of_actor, "asked: x 2; the session has"), of_actor);
  }));
}

TEST_CASE("an actor keeps what it asked for until it ends; a task waits for that") {
  CHECK(with_resources({"--num-cpus", "2", "--resources", "{\"x\": 1}"}, [] {
    auto actor = ray::Actor(Holder::make).SetResource("x", 1.0).Remote();
    require(*actor.Task(&Holder::pid).Remote().Get() > 0, "it lives");
    auto task = ray::Task(variable).SetResource("x", 1.0).Remote("A");
    std::vector<ray::ObjectRef<std::string>> one{task};
    require(ray::Wait(one, 1, 300).ready.empty(), "the task waits");
    require(*ray::Task(variable).Remote("A").Get() == "(none)", "others run");
    actor.Kill();
    require(*task.Get() == "(none)", "and goes on when the actor is gone");
  }));
}

TEST_CASE("a parent's CPUs are free while it waits for its child") {
  CHECK(with_resources({"--num-cpus", "2", "--resources", "{\"x\": 2}"}, [] {
    require(*ray::Task(add_in).SetResource("CPU", 2.0).Remote(1, std::string("x")).Get() == 3, "the child runs");
    std::vector<ray::ObjectRef<int>> all;
    for (int i = 0; i < 8; ++i) all.push_back(ray::Task(add_in).SetResource("CPU", 2.0).Remote(i, std::string("x")));
    for (int i = 0; i < 8; ++i) require(*all[static_cast<std::size_t>(i)].Get() == i + 2, "all of them");
  }));
}

TEST_CASE("GPUs are given by number, each to one at a time") {
  CHECK(with_resources({"--num-cpus=4", "--num-gpus=3"}, [] {
    auto first = ray::Actor(Holder::make).SetResource("GPU", 1.0).Remote();
    auto second = ray::Actor(Holder::make).SetResource("GPU", 1.0).Remote();
    const std::string one = *first.Task(&Holder::gpus).Remote().Get();
    const std::string other = *second.Task(&Holder::gpus).Remote().Get();
    require(one != other && one.size() == 1 && other.size() == 1, "one each: " + one + " and " + other);
    const std::string last = *ray::Task(variable).SetResource("GPU", 1.0).Remote("CUDA_VISIBLE_DEVICES").Get();
    require(last != one && last != other, "the third one: " + last);
    require(*ray::Task(variable).Remote("CUDA_VISIBLE_DEVICES").Get() == "(none)", "tasks without one see nothing");
    first.Kill();
    second.Kill();
    require(*ray::Task(variable).SetResource("GPU", 3.0).Remote("CUDA_VISIBLE_DEVICES").Get() == "0,1,2",
            "all of them");
  }));
}

TEST_CASE("the environment of a task is its own; that of an actor stays") {
  CHECK(in_session([] {
    ray::RuntimeEnv runtime_env;
    runtime_env.Set("env_vars", std::map<std::string, std::string>{{"COLOUR", "green"}});
    runtime_env.Set("working_dir", std::string("/"));
    require(*ray::Task(variable).SetRuntimeEnv(runtime_env).Remote("COLOUR").Get() == "green", "the variable is there");
    require(*ray::Task(folder_now).SetRuntimeEnv(runtime_env).Remote().Get() == "/", "the folder, too");
    for (int i = 0; i < 4; ++i) {
      require(*ray::Task(variable).Remote("COLOUR").Get() == "(none)", "not for others");
      require(*ray::Task(folder_now).Remote().Get() != "/", "nor the folder");
    }
    auto actor = ray::Actor(Holder::make).SetRuntimeEnv(runtime_env).Remote();
    for (int i = 0; i < 2; ++i) require(*actor.Task(&Holder::value_of).Remote("COLOUR").Get() == "green", "it stays");
    ray::RuntimeEnv wrong;
    wrong.Set("working_dir", std::string("/no/such/folder"));
    require(contains(text_thrown_by<RayException>([&] { ray::Task(folder_now).SetRuntimeEnv(wrong).Remote().Get(); }),
                     "/no/such/folder"),
            "what cannot be set up says so");
  }));
}

TEST_CASE("what is queued for resources can be cancelled and can be over its deadline") {
  CHECK(with_resources({"--num-cpus", "2", "--resources", "{\"x\": 1}"}, [] {
    const std::string path = case_folder() + "/go";
    auto first = ray::Task(wait_for_file).SetResource("x", 1.0).Remote(path);
    auto second = ray::Task(wait_for_file).SetResource("x", 1.0).Remote(path);
    auto third = mobula::with_deadline(ray::Task(wait_for_file).SetResource("x", 1.0), std::chrono::milliseconds(200))
                     .Remote(path);
    auto fourth = ray::Task(wait_for_file).SetResource("x", 1.0).Remote(path);
    require(!text_thrown_by<ray::internal::RayDeadlineException>([&] { third.Get(); }).empty(), "over");
    mobula::cancel(second);
    require(!text_thrown_by<ray::internal::RayCancelledException>([&] { second.Get(); }).empty(), "cancelled");
    mobula::cancel(first, true);
    std::ofstream(path) << 'x';
    require(*fourth.Get() == 1, "what the killed one had is free");
    std::filesystem::remove(path);
  }));
}

TEST_CASE("a placement group reserves its bundles, and its tasks and actors live in them") {
  CHECK(with_resources({"--num-cpus", "4", "--resources", "{\"x\": 2}"}, [] {
    const auto create = [](std::vector<std::unordered_map<std::string, double>> bundles, const std::string &name = "",
                           ray::PlacementStrategy strategy = ray::PlacementStrategy::PACK) {
      return ray::CreatePlacementGroup({name, std::move(bundles), strategy});
    };
    auto group = create({{{"CPU", 2.0}, {"x", 1.0}}, {{"CPU", 1.0}}}, "first");
    require(group.Wait(10), "created");
    require(ray::GetPlacementGroupById(group.GetID()).GetState() == ray::PlacementGroupState::CREATED, "known as that");
    require(ray::GetPlacementGroup("first").GetID() == group.GetID(), "by its name");
    require(contains(text_thrown_by<RayException>([&] { create({{{"CPU", 1.0}}}, "first"); }), "first"), "once");
    auto large = create({{{"CPU", 3.0}}});
    require(!large.Wait(0), "no room yet");
    auto in_bundle = ray::Task(variable).SetPlacementGroup(group, 0).SetResource("x", 1.0).Remote("A");
    require(*in_bundle.Get() == "(none)", "a task in a bundle");
    auto actor = ray::Actor(Holder::make).SetPlacementGroup(group, 1).SetResource("CPU", 1.0).Remote();
    const pid_t pid = *actor.Task(&Holder::pid).Remote().Get();
    auto never = ray::Task(variable).SetPlacementGroup(group, 1).SetResource("x", 1.0).Remote("A");
    require(contains(text_thrown_by<RayException>([&] { never.Get(); }), "its bundles"), "not in that bundle");
    const std::string path = case_folder() + "/go";
    auto queued = ray::Task(wait_for_file).SetPlacementGroup(group, 1).SetResource("CPU", 1.0).Remote(path);
    auto running = ray::Task(wait_for_file).SetPlacementGroup(group, 0).SetResource("CPU", 2.0).Remote(path);
    ::usleep(100'000);
    ray::RemovePlacementGroup(group.GetID());
    ray::RemovePlacementGroup(group.GetID());
    for (auto *task : {&queued, &running}) {
      require(contains(text_thrown_by<ray::internal::RayUnschedulableException>([&] { task->Get(); }), "was removed"),
              "its tasks end with it");
    }
    require(eventually([pid] { return has_ended(pid); }), "and its actors");
    require(large.Wait(10), "what it had is free");
    require(ray::GetPlacementGroupById(group.GetID()).GetState() == ray::PlacementGroupState::REMOVED, "remembered");
    require(ray::GetAllPlacementGroups().size() == 2, "all of them");
    auto spread = create({{{"CPU", 1.0}}, {{"CPU", 1.0}}}, "", ray::PlacementStrategy::STRICT_SPREAD);
    require(contains(text_thrown_by<RayException>([&] { spread.Wait(1); }), "STRICT_SPREAD"), "never");
    require(ray::GetPlacementGroup("nobody").Empty(), "unknown");
  }));
}

TEST_CASE("the session says what it has and what is used") {
  CHECK(with_resources({"--num-cpus", "2", "--resources", "{\"x\": 1.5}"}, [] {
    auto actor = ray::Actor(Holder::make).SetResource("x", 1.0).Remote();
    actor.Task(&Holder::pid).Remote().Get();
    const std::string json = status_of(own_session());
    require(contains(json, "\"total\": 1.5") && contains(json, "\"used\": 1.0"), json);
  }));
}
