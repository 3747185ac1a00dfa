#include "crash/tasks.h"

#include <signal.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

namespace mobula::crash {
namespace {

constexpr int kRingSlots = 2048;
constexpr std::size_t kMostOfTheStoreBytes = 5u << 20;  // of 8 MiB: two of them do not fit

void expect(bool condition, const char *what) {
  if (!condition) throw std::runtime_error(std::string("wrong: ") + what);
}

// In the header, in a block, in an extent of its own; each twice, so that the second use is of a recycled entry.
void put_and_get(int seed) {
  for (const std::size_t bytes : {20u, 10'000u, 20u, 10'000u, 700'000u, 700'000u}) {
    const std::string text = text_of(bytes, seed);
    const auto object = ray::Put(text);
    const auto copy = object;
    expect(*copy.Get() == text, "what was put");
  }
}

// The object's id with another generation: a name of an earlier or later tenant of its entry.
std::string stale(std::string id) {
  id[9] = static_cast<char>(id[9] ^ 0x40);
  return id;
}

void share_by_id(int seed) {
  std::string id;
  {
    const auto object = ray::Put(text_of(500, seed));
    id = object.ID();
    const Text second(id);
    expect(*second.Get() == text_of(500, seed), "what an id names");
    expect(Text(stale(id)).reference().empty(), "a stale id of a held entry");
  }
  expect(Text(stale(id)).reference().empty(), "a stale id of a dropped entry");
}

void contain(int seed) {
  Parcel parcel{"both", {ray::Put(text_of(40, seed)), ray::Put(text_of(9'000, seed))}};
  const auto stored = ray::Put(parcel);
  parcel.parts.clear();
  expect(*ray::Task(weigh).Remote(stored).Get() == 9'040, "a container as an argument by reference");
  expect(*ray::Task(weigh).Remote(*stored.Get()).Get() == 9'040, "a container as an argument by value");
  const auto made = ray::Task(make_parcel).Remote(seed);
  const auto part = made.Get()->parts[1];
  expect(*part.Get() == text_of(20'000, seed), "a reference in a result");
  expect(*ray::Task(weigh).Remote(made).Get() == 20'030, "a result that contains references, passed on");
}

void submit(int seed) {
  std::vector<ray::ObjectRef<int>> sums;
  for (int i = 0; i < 20; ++i) sums.push_back(ray::Task(add).Remote(i % 2 == 0 ? ray::Put(seed) : sums.back(), i));
  const auto deep = ray::Task(nest).Remote(2);
  const auto slow = ray::Task(nap).Remote(2);
  for (int i = 0; i < 10; ++i) sums.push_back(ray::Task(add).Remote(seed, i));  // behind those that block
  expect(ray::Wait(std::vector<ray::ObjectRef<int>>{slow}, 1, -1).ready.size() == 1, "a Wait");
  expect(*deep.Get() == 2, "nested tasks");
  for (int i = 20; i < 30; ++i) expect(*sums[static_cast<std::size_t>(i)].Get() == seed + i - 20, "a sum");
  expect(*sums[19].Get() == seed + 18 + 19, "a chain of tasks");
  const std::string text = text_of(150'000, seed);
  expect(*ray::Task(make_text).Remote(150'000, seed).Get() == text, "a large result");
  expect(*ray::Task(size_of).Remote(ray::Put(text)).Get() == 150'000, "an argument that was dropped");
  ray::Task(make_text).Remote(150'000, seed);  // dropped before it lands
}

void fail_and_pass_on() {
  const auto failed = ray::Task(fail).Remote(1);
  const auto dependant = ray::Task(add).Remote(failed, 1);
  for (const auto &reference : {failed, dependant}) {
    bool has_thrown = false;
    try {
      reference.Get();
    } catch (const ray::internal::RayTaskException &) {
      has_thrown = true;
    }
    expect(has_thrown, "a failure");
  }
}

// Once with a handle that goes first, once with one that stays.
void pin_and_unpin(int seed) {
  for (const bool keep : {false, true}) {
    auto object = ray::Put(text_of(600, seed));
    const std::string id = object.ID();
    mobula::pin(object);
    if (!keep) object = {};
    const Text pinned(id);
    expect(*pinned.Get() == text_of(600, seed), "a pinned object");
    mobula::unpin(pinned);
  }
}

// Others may evict them at any time: the right bytes, or nothing.
void retain_and_look(int seed) {
  const std::string text = text_of(700, seed);
  const std::string name = "text " + std::to_string(seed);
  auto object = mobula::put_retained(text);
  mobula::publish(name, object, mobula::Replace::kYes);
  mobula::publish(name + " again", object, mobula::Replace::kYes);
  const mobula::WeakRef<std::string> weak(object);
  object = {};
  for (int i = 0; i < 3; ++i) {
    const auto found = mobula::lookup<std::string>(name);
    expect(!found || *found->Get() == text, "a named object");
    const auto locked = weak.lock();
    expect(!locked || *locked->Get() == text, "a weakly held object");
    mobula::evict(i == 1 ? 10'000 : 0);
  }
  mobula::unpublish(name);
  mobula::unpublish(name + " again");
  if (const auto locked = weak.lock()) mobula::unretain(*locked);
}

void go_round(int seed) {
  auto cycle = make_cycle(seed);
  const mobula::WeakRef<Crate> weak(cycle[1]);
  cycle.clear();
  mobula::collect_cycles();
  const auto found = weak.lock();
  expect(!found || is_whole(*found, seed), "a cycle");
}

// Its process may be killed at any time: then its calls fail, and it is made again, empty.
void use_actor(int seed) {
  const auto tolerate = [](const auto &result) {
    try {
      return *result.Get();
    } catch (const ray::internal::RayActorException &) {
      return 0;
    }
  };
  const auto keeper = ray::Actor(make_keeper).SetMaxRestarts(-1).Remote(seed);
  for (int i = 1; i <= 3; ++i) {
    const auto kept = keeper.Task(&Keeper::Keep).Remote(std::vector<Text>{ray::Put(text_of(900, seed))});
    const auto bytes = tolerate(keeper.Task(&Keeper::Weigh).Remote());
    expect(bytes == 0 || bytes == 900 * i, "what an actor keeps");
    if (tolerate(kept) == 0 || bytes == 0) break;
  }
  const auto through_task = ray::Task(weigh_in_task).Remote(keeper);
  expect(*through_task.Get() % 900 == 0, "a handle as an argument");
  const auto leaver = ray::Actor(make_keeper).Remote(seed);
  const auto last = leaver.Task(&Keeper::Leave).Remote();
  const auto after = leaver.Task(&Keeper::Weigh).Remote();
  expect(tolerate(last) == 0 && tolerate(after) == 0, "an actor that has left");
}

// The second object has room only when the first is dropped: the raylet takes back what lies in our pools.
void press(int seed) {
  Text first = ray::Put(text_of(kMostOfTheStoreBytes, seed));
  std::thread dropper([first = std::move(first)]() mutable {
    ::usleep(1'000);
    first = {};
  });
  Text second;
  std::string problem;
  try {
    second = ray::Put(text_of(kMostOfTheStoreBytes, seed + 1));
    problem = second.Get()->back() == text_of(1, seed + 1)[0] ? "" : "wrong: what was put into a full store";
  } catch (const ray::internal::RayException &thrown) {
    problem = thrown.what();
  }
  dropper.join();
  if (!problem.empty()) throw ray::internal::RayException(problem);
}

}  // namespace

std::string text_of(std::size_t bytes, int seed) { return std::string(bytes, static_cast<char>('a' + seed % 26)); }

int add(int a, int b) { return a + b; }
int nap(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return wait_ms;
}
int pid_after(int wait_ms) {
  nap(wait_ms);
  return ::getpid();
}
std::string make_text(int bytes, int seed) { return text_of(static_cast<std::size_t>(bytes), seed); }
Parcel make_parcel(int seed) { return {"made", {ray::Put(text_of(30, seed)), ray::Put(text_of(20'000, seed))}}; }
int weigh(Parcel parcel) {
  int bytes = 0;
  for (const Text &part : parcel.parts) bytes += static_cast<int>(part.Get()->size());
  return bytes;
}
int size_of(std::string text) { return static_cast<int>(text.size()); }
int nest(int depth) { return depth == 0 ? 0 : 1 + *ray::Task(nest).Remote(depth - 1).Get(); }
int fail(int seed) { throw std::runtime_error("asked to fail " + std::to_string(seed)); }
Crate crate_around(std::string name, int seed) {
  constexpr int kLooksMax = 2'000;
  for (int i = 0; i < kLooksMax; ++i) {
    if (const auto other = mobula::lookup<Crate>(name)) return {seed, {*other}};
    nap(1);
  }
  return {seed, {}};
}
std::vector<ray::ObjectRef<Crate>> make_cycle(int seed) {
  const std::string name = "cycle " + std::to_string(seed);
  const auto inner = ray::Task(crate_around).Remote(name, seed);
  const auto outer = ray::Put(Crate{seed, {inner}});
  mobula::publish(name, outer, mobula::Replace::kYes);
  inner.Get();
  mobula::unpublish(name);
  return {inner, outer};
}
bool is_whole(const ray::ObjectRef<Crate> &start, int seed) {
  ray::ObjectRef<Crate> next = start;
  for (int i = 0; i < 4; ++i) {
    const auto crate = next.Get();
    if (crate->seed != seed) return false;
    if (crate->others.empty()) return true;
    next = crate->others[0];
  }
  return true;
}
int Keeper::Keep(std::vector<Text> parts) {
  kept_.insert(kept_.end(), parts.begin(), parts.end());
  return static_cast<int>(kept_.size());
}
int Keeper::Weigh() {
  int bytes = 0;
  for (const Text &part : kept_) bytes += static_cast<int>(part.Get()->size());
  return bytes;
}
int Keeper::Leave() {
  ray::ExitActor();
  return 1;
}
Keeper *make_keeper(int) { return new Keeper; }
int weigh_in_task(ray::ActorHandle<Keeper> keeper) {
  try {
    return *keeper.Task(&Keeper::Weigh).Remote().Get();
  } catch (const ray::internal::RayActorException &) {
    return 0;
  }
}
int die(int seed) {
  const auto held = ray::Put(text_of(3'000, seed));
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

int exercise(int seed) {
  put_and_get(seed);
  share_by_id(seed);
  contain(seed);
  submit(seed);
  fail_and_pass_on();
  pin_and_unpin(seed);
  retain_and_look(seed);
  go_round(seed);
  use_actor(seed);
  press(seed);
  return seed;
}

int fill_ring(int seed, int raylet) {
  const auto object = ray::Put(seed);
  const std::string id = object.ID();
  const auto other = ray::Put(seed + 1);
  const std::string dropped = other.ID();
  ::kill(raylet, SIGSTOP);
  // Each take of a name that is gone leaves a hint.
  for (int i = 0; i < kRingSlots + 10; ++i) expect(Text(stale(id)).reference().empty(), "a stale id");
  expect(*ray::Task(add).Remote(object, 1).Get() == seed + 1, "a task after a full ring");
  return seed;
}

RAY_REMOTE(make_keeper, &Keeper::Keep, &Keeper::Weigh, &Keeper::Leave, weigh_in_task);
RAY_REMOTE(add, nap, pid_after, make_text, make_parcel, weigh, size_of, nest, fail, crate_around, die, exercise,
           fill_ring);

}  // namespace mobula::crash
