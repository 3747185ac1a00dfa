// Names of objects: whoever knows one has the object, or nothing, and never another one.
#include <doctest/doctest.h>
#include <mobula/names.h>
#include <mobula/retention.h>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;
using ray::internal::RayException;

namespace {

std::string value_of(const std::string &name) {
  const auto object = mobula::lookup<std::string>(name);
  return object ? *object->Get() : "nothing";
}
RAY_REMOTE(value_of);

// Leaves a named object behind.
int publish_from_worker(std::string name, std::string value) {
  mobula::publish(name, ray::Put(value));
  return 0;
}
RAY_REMOTE(publish_from_worker);

}  // namespace

TEST_CASE("a published object is found by its name from any process, also when nobody refers to it") {
  CHECK(in_session([] {
    auto object = ray::Put(std::string("one"));
    mobula::publish("name", object);
    object = {};
    require(value_of("name") == "one", "here");
    require(*ray::Task(value_of).Remote(std::string("name")).Get() == "one", "and in a worker");
    require(value_of("nam") == "nothing" && value_of("name ") == "nothing" && value_of("") == "nothing",
            "no other name");
    require(mobula::unpublish("name") && !mobula::unpublish("name"), "taken off once");
    require(value_of("name") == "nothing", "not found any more");
    require(eventually([] { return store_figure("objects") == 0; }), "and freed");
  }));
}

TEST_CASE("a name outlives the process that published it") {
  CHECK(in_session([] {
    ray::Task(publish_from_worker).Remote(std::string("theirs"), std::string(5'000, 'x')).Get();
    require(value_of("theirs") == std::string(5'000, 'x'), "found");
    require(store_figure("names") == 1, "counted");
    mobula::unpublish("theirs");
  }));
}

TEST_CASE("a name that is taken is refused, and replaced on request") {
  CHECK(in_session([] {
    const auto first = ray::Put(std::string("first"));
    const auto second = ray::Put(std::string("second"));
    mobula::publish("name", first);
    const std::string refusal = text_thrown_by<RayException>([&] { mobula::publish("name", second); });
    require(contains(refusal, "'name' stands for another object"), "refused: " + refusal);
    require(value_of("name") == "first", "and unchanged");
    mobula::publish("name", second, mobula::Replace::kYes);
    require(value_of("name") == "second", "replaced");
    mobula::publish("other", second);
    mobula::unpublish("name");
    require(value_of("other") == "second", "the other name of the same object stays");
    const std::string too_long = text_thrown_by<RayException>([&] { mobula::publish(std::string(233, 'n'), first); });
    require(contains(too_long, "1 to 232 bytes"), "too long: " + too_long);
    mobula::publish(std::string(232, 'n'), first);
    require(value_of(std::string(232, 'n')) == "first", "the longest name");
    require(contains(text_thrown_by<RayException>([&] { mobula::publish("", first); }), "1 to 232"), "empty");
  }));
}

TEST_CASE("names go with the object that is evicted, and can be given anew") {
  CHECK(in_session([] {
    mobula::publish("a", ray::Put(std::string("old")));
    mobula::publish("b", *mobula::lookup<std::string>("a"));
    require(mobula::evict(~0ull).objects == 1, "a named object is evictable");
    require(value_of("a") == "nothing" && value_of("b") == "nothing", "both names are gone");
    require(store_figure("names") == 0, "and counted so");
    mobula::publish("a", ray::Put(std::string("new")));
    require(value_of("a") == "new", "given anew");
    mobula::unpublish("a");
  }));
}

TEST_CASE("ten thousand names are found each, and none is left") {
  CHECK(in_session(small_session(60'000), [] {
    constexpr int kNames = 10'000;
    for (int i = 0; i < kNames; ++i) mobula::publish("name " + std::to_string(i), ray::Put(std::to_string(i)));
    for (int i = 0; i < kNames; ++i) require(value_of("name " + std::to_string(i)) == std::to_string(i), "found");
    for (int i = 0; i < kNames; ++i) require(mobula::unpublish("name " + std::to_string(i)), "taken off");
    require(store_figure("names") == 0, "none is left");
    require(eventually([] { return store_figure("objects") == 0; }), "nor any object");
  }));
}

TEST_CASE("a name that is given to one object after another always stands for one of them") {
  CHECK(in_session([] {
    mobula::publish("swing", ray::Put(std::string("0")));
    std::atomic<bool> is_done{false};
    std::thread writer([&is_done] {
      for (int i = 1; i < 3'000; ++i) mobula::publish("swing", ray::Put(std::to_string(i)), mobula::Replace::kYes);
      is_done = true;
    });
    int last = 0;
    std::uint64_t look_ups = 0;
    while (!is_done) {
      const std::string found = value_of("swing");
      const int number = found == "nothing" ? -1 : std::stoi(found);
      if (number < last) break;
      last = number;
      ++look_ups;
    }
    const bool was_always_found = is_done;
    writer.join();
    mobula::unpublish("swing");
    require(was_always_found, "never nothing, never an older one than before: " + std::to_string(last));
    require(look_ups > 1'000, "looked often enough");
  }));
}
