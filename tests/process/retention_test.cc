// Objects that nobody refers to and that stay all the same: weakly held or retained ones, until they are evicted.
#include <doctest/doctest.h>
#include <mobula/pin.h>
#include <mobula/retention.h>
#include <mobula/task.h>
#include <mobula/weak.h>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_program;
using ray::internal::RayException;
using Text = std::string;

namespace {

constexpr std::size_t kTextBytes = 100'000;
constexpr std::uint64_t kEverything = ~0ull;

Text text(char letter) { return Text(kTextBytes, letter); }

bool has(const mobula::WeakRef<Text> &weak, char letter) {
  const auto object = weak.lock();
  return object && *object->Get() == text(letter);
}

// Looks whether its argument's object can be had, and holds it weakly itself until it returns.
std::string look_through(mobula::WeakRef<Text> weak) {
  const auto object = weak.lock();
  return object ? object->Get()->substr(0, 1) : "nothing";
}
RAY_REMOTE(look_through);

// Holds it weakly, says so, and waits for its death.
int hold_weakly_and_wait(std::vector<ray::ObjectRef<Text>> objects, std::string path) {
  const mobula::WeakRef<Text> weak(objects.at(0));
  objects.clear();
  std::ofstream(path + ".new") << ::getpid();
  std::filesystem::rename(path + ".new", path);
  for (;;) ::pause();
}
RAY_REMOTE(hold_weakly_and_wait);

}  // namespace

TEST_CASE("a weakly held object outlives its last handle and is found, until it is evicted") {
  CHECK(in_session([] {
    auto object = ray::Put(text('w'));
    const mobula::WeakRef<Text> weak(object);
    require(has(weak, 'w'), "found while it is held");
    object = {};
    require(store_figure("retained_objects") == 1 && store_figure("referenced_objects") == 0, "retained only");
    require(has(weak, 'w'), "found while nobody holds it");
    const mobula::Freed freed = mobula::evict(kEverything);
    require(freed.objects == 1 && freed.bytes >= kTextBytes, "one evicted");
    require(!weak.lock() && !weak.lock(), "nothing afterwards, never another's");
    require(store_figure("objects") == 0 && store_figure("evictions") == 1, "gone and counted");
  }));
}

TEST_CASE("an object goes with its last weak reference, copies counted") {
  CHECK(in_session([] {
    mobula::WeakRef<Text> copy;
    {
      auto object = ray::Put(text('c'));
      const mobula::WeakRef<Text> weak(object);
      copy = weak;
      object = {};
    }
    require(has(copy, 'c'), "the copy still finds it");
    copy = {};
    require(eventually([] { return store_figure("objects") == 0; }), "freed without an eviction");
    require(store_figure("evictions") == 0, "not evicted");
    require(!mobula::WeakRef<Text>().lock(), "an empty one finds nothing");
  }));
}

TEST_CASE("what is locked, pinned, or an argument under way is not evicted") {
  CHECK(in_session([] {
    auto locked = ray::Put(text('l'));
    auto pinned = ray::Put(text('p'));
    auto loose = ray::Put(text('o'));
    const mobula::WeakRef<Text> to_locked(locked), to_pinned(pinned), to_loose(loose);
    mobula::pin(pinned);
    pinned = loose = {};
    require(mobula::evict(kEverything).objects == 1, "only the loose one goes");
    require(has(to_locked, 'l') && has(to_pinned, 'p') && !to_loose.lock(), "the others stay");
    mobula::unpin(*to_pinned.lock());
    locked = {};
    require(mobula::evict(kEverything).objects == 2, "now they go");
  }));
}

TEST_CASE("a retained object stays without any reference until it is evicted or let go") {
  CHECK(in_session([] {
    std::string id = mobula::put_retained(text('r')).ID();
    require(*ray::ObjectRef<Text>(id).Get() == text('r'), "it stays");
    mobula::unretain(ray::ObjectRef<Text>(id));
    require(eventually([] { return store_figure("objects") == 0; }), "let go, it is freed");
    id = mobula::put_retained(text('s')).ID();
    require(mobula::evict(1).objects == 1, "evicted");
    require(ray::ObjectRef<Text>(id).reference().empty(), "gone");
  }));
}

TEST_CASE("the least recently taken object is evicted first") {
  CHECK(in_session([] {
    std::vector<mobula::WeakRef<Text>> weak;
    for (const char letter : {'a', 'b', 'c'}) {
      weak.emplace_back(ray::Put(text(letter)));
      ::usleep(20'000);  // the clock that orders them is coarse
    }
    require(has(weak[0], 'a'), "the oldest is taken once more");
    ::usleep(20'000);
    require(mobula::evict(1).objects == 1 && !weak[1].lock(), "b goes first");
    require(mobula::evict(1).objects == 1 && !weak[2].lock() && has(weak[0], 'a'), "then c");
  }));
}

TEST_CASE("puts beyond the store's size evict what is only retained, and never wait for it") {
  CHECK(in_session(small_session(60'000, {{"MOBULA_PUT_TIMEOUT_MS", "5000"}}), [] {
    constexpr int kTexts = 2'000;  // 200 MB through a store of 64 MiB
    std::vector<mobula::WeakRef<Text>> weak;
    for (int i = 0; i < kTexts; ++i) {
      weak.emplace_back(ray::Put(text(static_cast<char>('a' + i % 26))));
      if (i % 50 != 0) continue;
      require(store_figure("used_bytes") <= (64u << 20), "never above the limit");
      for (int j = 0; j <= i; ++j) {
        const auto found = weak[static_cast<std::size_t>(j)].lock();
        require(!found || *found->Get() == text(static_cast<char>('a' + j % 26)), "right bytes or nothing");
      }
    }
    require(store_figure("evictions") > 1'000, "most of them were evicted");
    require(has(weak.back(), static_cast<char>('a' + (kTexts - 1) % 26)), "the newest is there");
  }));
}

TEST_CASE("evictions are told to the process that asks for them, each once") {
  CHECK(in_session([] {
    std::vector<mobula::Eviction> told;
    mobula::on_evicted([&told](const mobula::Eviction &eviction) { told.push_back(eviction); });
    auto object = ray::Put(text('e'));
    const std::string id = object.ID();
    const mobula::WeakRef<Text> weak(object);
    object = {};
    mobula::put_retained(text('f'));
    mobula::evict(kEverything);
    require(mobula::deliver_evictions() == 0, "none was missed");
    require(told.size() == 2, "both are told, once");
    const auto first = std::find_if(told.begin(), told.end(), [&](const auto &one) { return one.id == id; });
    require(first != told.end() && first->was_weak && !first->was_retained && !first->was_named,
            "and why it was there");
    require(first->bytes >= kTextBytes, "and how large it was");
    mobula::on_evicted({});
    mobula::put_retained(text('g'));
    mobula::evict(kEverything);
    require(told.size() == 2, "no more after it was ended");
  }));
}

TEST_CASE("a weak reference travels to a task, which finds the object or nothing") {
  CHECK(in_session([] {
    auto object = ray::Put(text('t'));
    const mobula::WeakRef<Text> weak(object);
    object = {};
    require(*ray::Task(look_through).Remote(weak).Get() == "t", "found by the worker");
    mobula::evict(kEverything);
    require(*ray::Task(look_through).Remote(weak).Get() == "nothing", "evicted");
  }));
}

TEST_CASE("the weak references of a killed worker go, its driver's stay") {
  CHECK(in_session([] {
    auto theirs = ray::Put(text('t'));
    auto both = ray::Put(text('b'));
    const mobula::WeakRef<Text> weak(both);
    const std::string theirs_id = theirs.ID();
    const std::string path = case_folder() + "/held";
    for (const bool is_shared : {false, true}) {
      auto task = ray::Task(hold_weakly_and_wait);
      auto result = mobula::with_retries(task, 0).Remote(std::vector{is_shared ? both : theirs}, path);
      (is_shared ? both : theirs) = {};
      require(eventually([&path] { return std::filesystem::exists(path); }), "the worker holds it weakly");
      require(store_figure("retained_objects") >= 1, "so it stays");
      pid_t worker = 0;
      std::ifstream(path) >> worker;
      std::filesystem::remove(path);
      ::kill(worker, SIGKILL);
      text_thrown_by<RayException>([&result] { result.Get(); });
    }
    require(eventually([] { return store_figure("objects") == 1; }), "what only the workers held is freed");
    require(ray::ObjectRef<Text>(theirs_id).reference().empty() && has(weak, 'b'), "the driver's is there");
  }));
}

TEST_CASE("mobula evict frees as much as it is told, or all") {
  CHECK(in_session([] {
    for (const char letter : {'a', 'b', 'c'}) mobula::put_retained(text(letter));
    const auto evict = [](std::vector<std::string> arguments) {
      arguments.insert(arguments.begin(), {program("MOBULA_COMMAND"), "evict"});
      arguments.insert(arguments.end(), {"--session", own_session()});
      return run_program(arguments, inside_case());
    };
    const auto one = evict({"50KiB", "--json"});
    require(one.ok && number_after(one.output, "objects") == 1, "one suffices: " + one.output);
    const auto rest = evict({});
    require(rest.ok && contains(rest.output, "Evicted 2 objects"), "the rest: " + rest.output);
    const auto nonsense = evict({"much"});
    require(nonsense.exit_code == 2 && contains(nonsense.errors, "is no size"), "nonsense is refused");
  }));
}
