// What one process sees of the references of another, and that all accounts of the store agree.
#include <doctest/doctest.h>
#include <mobula/figures.h>
#include <mobula/names.h>
#include <mobula/pin.h>
#include <mobula/retention.h>
#include <mobula/weak.h>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_program;
using ray::internal::RayException;
using Text = std::string;
using TextRef = ray::ObjectRef<Text>;

namespace {

constexpr std::size_t kTextBytes = 100'000;

// Processes, handles, raylet references and pins of others, as the process sees them that runs this.
std::vector<int> look(std::string id) {
  const TextRef own(id);
  const mobula::RefCount count = mobula::ref_count(own);
  return {static_cast<int>(count.processes) - 1, static_cast<int>(count.handles) - 1,
          static_cast<int>(count.raylet_references), static_cast<int>(count.pins)};
}

void await(const std::string &path) {
  while (!std::filesystem::exists(path)) ::usleep(2'000);
}
int wait_with_value(Text value, std::string path) {
  await(path);
  return static_cast<int>(value.size());
}
int wait_with_handles(std::vector<TextRef> objects, std::string path) {
  const std::vector<TextRef> more(3, objects.at(0));
  std::ofstream(path + ".held") << more.size();
  await(path);
  return static_cast<int>(objects.size());
}
Text make_later(std::string path) {
  await(path);
  return Text(kTextBytes, 'l');
}
std::vector<TextRef> put_two() { return {ray::Put(Text(kTextBytes, 'a')), ray::Put(Text(kTextBytes, 'b'))}; }

RAY_REMOTE(look, wait_with_value, wait_with_handles, make_later, put_two);

// What a worker sees, within the time that the raylet takes for its part.
template <typename T>
void await_seen(const ray::ObjectRef<T> &object, const std::vector<int> &expected, const std::string &what) {
  std::vector<int> seen;
  const bool comes = eventually([&] {
    seen = *ray::Task(look).Remote(object.ID()).Get();
    return seen == expected;
  });
  std::string text = what + ": seen";
  for (const int number : seen) text += " " + std::to_string(number);
  require(comes, text);
}

// A file that tasks wait for, while it does not exist.
struct Gate {
  explicit Gate(const char *name) : path(case_folder() + "/" + name) {}
  ~Gate() {
    open();
    std::filesystem::remove(path);
    std::filesystem::remove(path + ".held");
  }
  void open() const { std::ofstream(path) << "open"; }
  const std::string path;
};

std::string doctor_json() {
  const auto run =
      run_program({program("MOBULA_COMMAND"), "doctor", "--json", "--session", own_session()}, inside_case());
  require(run.ok, "mobula doctor: " + run.reason + run.errors);
  return run.output;
}

// The object with that pid in the list "clients".
std::string client_in(const std::string &json, std::uint32_t pid) {
  const std::size_t list = json.find("\"clients\"");
  const std::size_t found = json.find("\"pid\": " + std::to_string(pid), list);
  if (list == std::string::npos || found == std::string::npos) return "";
  const std::size_t begin = json.rfind('{', found);
  return json.substr(begin, json.find('}', found) - begin);
}

// "" when the figures are those of the doctor and of the status.
std::string disagreement() {
  const mobula::StoreStats stats = mobula::store_stats();
  const std::string doctor = doctor_json();
  const std::string status = status_of(own_session());
  const std::string store = status.substr(status.find("\"store\""));
  std::string text;
  const auto compare = [&text](const char *what, std::uint64_t ours, std::uint64_t theirs) {
    if (ours != theirs) text += std::string(what) + " " + std::to_string(ours) + " " + std::to_string(theirs) + "; ";
  };
  compare("doctor objects", stats.objects, number_after(doctor, "objects", doctor.find(']')));
  compare("doctor used", stats.used_bytes, number_after(doctor, "used"));
  compare("doctor pooled", stats.pooled_bytes, number_after(doctor, "pooled"));
  compare("objects", stats.objects, number_after(store, "objects"));
  compare("referenced", stats.referenced_objects, number_after(store, "referenced_objects"));
  compare("pinned", stats.pinned_objects, number_after(store, "pinned_objects"));
  compare("retained", stats.retained_objects, number_after(store, "retained_objects"));
  compare("evictable", stats.evictable_objects, number_after(store, "evictable_objects"));
  compare("evictions", stats.evictions, number_after(store, "evictions"));
  compare("evicted bytes", stats.evicted_bytes, number_after(store, "evicted_bytes"));
  compare("freed", stats.freed, number_after(store, "freed"));
  compare("capacity", stats.capacity_bytes, number_after(store, "capacity_bytes"));
  compare("used", stats.used_bytes, number_after(store, "used_bytes"));
  compare("pooled", stats.pooled_bytes, number_after(store, "pooled_bytes"));
  compare("free", stats.free_bytes, number_after(store, "free_bytes"));
  compare("largest free", stats.largest_free_bytes, number_after(store, "largest_free_bytes"));
  mobula::ProcessStats sum;
  for (const mobula::ProcessStats &process : stats.processes) {
    const std::string theirs = client_in(doctor, process.pid);
    if (theirs.empty()) return "doctor knows no " + std::to_string(process.pid);
    compare("objects of one", process.objects, number_after(theirs, "objects"));
    compare("handles of one", process.handles, number_after(theirs, "handles"));
    compare("pins of one", process.pins, number_after(theirs, "pins"));
    compare("status of one", process.objects, number_after(client_in(status, process.pid), "objects_held"));
    sum.handles += process.handles;
    sum.pins += process.pins;
  }
  compare("sum of handles", stats.handles, sum.handles);
  compare("sum of pins", stats.pins, sum.pins);
  return text;
}

const mobula::ProcessStats &own(const mobula::StoreStats &stats) {
  for (const mobula::ProcessStats &process : stats.processes) {
    if (process.pid == static_cast<std::uint32_t>(::getpid())) return process;
  }
  throw std::runtime_error("this process is not among those of the figures");
}

}  // namespace

TEST_CASE("another process sees each new handle, each copy and each drop, at once") {
  CHECK(in_session([] {
    const auto object = ray::Put(Text(kTextBytes, 'x'));
    await_seen(object, {1, 1, 0, 0}, "new");
    {
      const auto copy = object;
      await_seen(object, {1, 2, 0, 0}, "cloned");
      const std::vector<TextRef> more(10, copy);
      await_seen(object, {1, 12, 0, 0}, "ten more");
    }
    await_seen(object, {1, 1, 0, 0}, "dropped");
    mobula::pin(object);
    mobula::pin(object);
    await_seen(object, {1, 3, 0, 2}, "pinned twice");
    mobula::unpin(object);
    await_seen(object, {1, 2, 0, 1}, "unpinned once");
    mobula::unpin(object);
    await_seen(object, {1, 1, 0, 0}, "unpinned");
    const mobula::RefCount count = mobula::ref_count(object);
    require(count.processes == 1 && count.handles == 1 && count.raylet_references == 0 && count.pins == 0, "here, too");
    require(!count.named && !count.weakly_held && !count.retained, "not kept otherwise");
  }));
}

TEST_CASE("an argument and a nested reference count while the task runs and the container lives") {
  CHECK(in_session(small_session(30'000, {{"MOBULA_WORKERS", "3"}}), [] {
    const auto object = ray::Put(Text(kTextBytes, 'x'));
    {
      const Gate gate("gate");
      const auto result = ray::Task(wait_with_value).Remote(object, gate.path);
      await_seen(object, {1, 1, 1, 0}, "an argument");
      gate.open();
      require(*result.Get() == kTextBytes, "it ran");
    }
    await_seen(object, {1, 1, 0, 0}, "after the task");
    {
      const Gate gate("gate");
      const auto result = ray::Task(wait_with_handles).Remote(std::vector<TextRef>{object}, gate.path);
      require(eventually([&] { return std::filesystem::exists(gate.path + ".held"); }), "it runs");
      await_seen(object, {2, 5, 1, 0}, "held by a worker");
      gate.open();
      require(*result.Get() == 1, "it ran");
    }
    await_seen(object, {1, 1, 0, 0}, "after the holder");
    auto box = ray::Put(std::vector<TextRef>{object, object});
    await_seen(object, {1, 1, 2, 0}, "nested twice");
    box = {};
    await_seen(object, {1, 1, 0, 0}, "after the box");
  }));
}

TEST_CASE("a result counts for its task until it is there, and what is nested in it for its container") {
  CHECK(in_session(small_session(30'000, {{"MOBULA_WORKERS", "3"}}), [] {
    {
      const Gate gate("gate");
      const auto later = ray::Task(make_later).Remote(gate.path);
      await_seen(later, {1, 1, 1, 0}, "pending");
      gate.open();
      require(later.Get()->size() == kTextBytes, "it is there");
      await_seen(later, {1, 1, 0, 0}, "settled");
    }
    auto two = ray::Task(put_two).Remote();
    const auto inner = two.Get()->at(1);
    await_seen(inner, {1, 1, 1, 0}, "taken out of a result");
    two = {};
    await_seen(inner, {1, 1, 0, 0}, "the result is gone");
  }));
}

TEST_CASE("the figures of all processes add up, and agree with the doctor and the status") {
  CHECK(in_session([] {
    std::vector<TextRef> objects;
    for (int i = 0; i < 20; ++i) objects.push_back(ray::Put(Text(kTextBytes, 'x')));
    const auto small = ray::Put(Text("small"));
    const std::vector<TextRef> copies(7, objects[0]);
    mobula::pin(objects[1]);
    const auto box = ray::Put(objects);
    mobula::publish("kept", ray::Put(Text(kTextBytes, 'n')));
    mobula::put_retained(Text(kTextBytes, 'r'));
    const mobula::WeakRef<Text> weak(ray::Put(Text(kTextBytes, 'w')));
    const Gate gate("gate");
    const auto result = ray::Task(wait_with_handles).Remote(std::vector<TextRef>{objects[2]}, gate.path);
    require(eventually([&] { return std::filesystem::exists(gate.path + ".held"); }), "it runs");
    std::string wrong;
    require(eventually([&] { return (wrong = disagreement()).empty(); }), wrong);
    const mobula::StoreStats stats = mobula::store_stats();
    require(stats.retained_objects == 3 && stats.evictable_objects == 3, "three are retained only");
    require(stats.pinned_objects == 1 && stats.pins == 1, "one is pinned");
    require(own(stats).handles >= 30 && own(stats).kind == mobula::ProcessKind::kDriver, "this process holds them");
    require(stats.references() >= stats.handles + 20, "and the box contains them");
    require(stats.fragmentation() >= 0 && stats.fragmentation() < 1, "a part of the free bytes");
    const mobula::RefCount count = mobula::ref_count(*mobula::lookup<Text>("kept"));
    require(count.named && !count.retained && !count.weakly_held, "named");
    gate.open();
    result.Get();
    mobula::unpin(objects[1]);
  }));
}

TEST_CASE("hits, misses and evictions are counted, also those of processes that have ended") {
  CHECK(in_session([] {
    mobula::publish("one", ray::Put(Text(kTextBytes, '1')));
    require(mobula::lookup<Text>("one") && mobula::lookup<Text>("one"), "found twice");
    require(!mobula::lookup<Text>("two"), "not found");
    const mobula::WeakRef<Text> weak(ray::Put(Text(kTextBytes, 'w')));
    require(weak.lock().has_value(), "found");
    mobula::StoreStats stats = mobula::store_stats();
    require(stats.hits == 3 && stats.misses == 1 && own(stats).hits == 3 && own(stats).misses == 1, "three, one");
    const mobula::Freed freed = mobula::evict(~0ull);
    require(!weak.lock(), "evicted");
    stats = mobula::store_stats();
    require(freed.objects == 2 && stats.evictions == 2 && stats.evicted_bytes == freed.bytes, "two evicted");
    require(stats.misses == 2 && stats.objects == 0, "and counted");
  }));
}

TEST_CASE("without a session, and for an empty reference, there are no figures") {
  CHECK_THROWS_AS(mobula::store_stats(), RayException);
  CHECK_THROWS_AS(mobula::ref_count(TextRef()), RayException);
  CHECK(in_session([] {
    const std::string thrown = text_thrown_by<RayException>([] { mobula::ref_count(TextRef()); });
    require(contains(thrown, "names no object"), thrown);
  }));
}
