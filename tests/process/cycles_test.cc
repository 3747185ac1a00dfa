// Objects that contain each other: freed by the mark pass when nobody can reach them, and not before.
#include <doctest/doctest.h>
#include <mobula/names.h>
#include <mobula/pin.h>
#include <mobula/retention.h>
#include <mobula/weak.h>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_program;

namespace {

struct Node {
  std::string text;
  std::vector<ray::ObjectRef<Node>> others;
  MSGPACK_DEFINE(text, others)
};

// A node that contains the one with that name, as soon as there is one.
Node node_around(std::string name, std::string text) {
  std::optional<ray::ObjectRef<Node>> other;
  while (!(other = mobula::lookup<Node>(name))) ::usleep(1'000);
  return Node{text, {*other}};
}
RAY_REMOTE(node_around);

// Two nodes that contain each other: the result of a task, and what was put around that result before it was there.
std::pair<ray::ObjectRef<Node>, ray::ObjectRef<Node>> make_cycle(const std::string &text) {
  const std::string name = "cycle " + text.substr(0, 20);
  const ray::ObjectRef<Node> result = ray::Task(node_around).Remote(name, text);
  const ray::ObjectRef<Node> around = ray::Put(Node{text, {result}});
  mobula::publish(name, around);
  result.Get();
  mobula::unpublish(name);
  return {result, around};
}

bool is_whole(const ray::ObjectRef<Node> &start, const std::string &text) {
  ray::ObjectRef<Node> next = start;
  for (int i = 0; i < 4; ++i) {
    const auto node = next.Get();
    if (node->text != text || node->others.size() != 1) return false;
    next = node->others[0];
  }
  return true;
}

bool store_is_empty() {
  return eventually([] { return store_figure("objects") == 0; });
}

}  // namespace

TEST_CASE("a cycle that nobody can reach is freed by the mark pass and listed") {
  CHECK(in_session([] {
    make_cycle(std::string(2'000, 'c'));
    require(store_figure("objects") == 2, "it keeps itself");
    const auto run = run_program({program("MOBULA_COMMAND"), "gc", "--session", own_session()}, inside_case());
    require(run.ok && contains(run.output, "Freed 2 objects that only referred to each other"), run.output);
    require(contains(run.output, "made by pid " + std::to_string(::getpid())), "with its maker: " + run.output);
    require(store_is_empty(), "gone");
    require(mobula::collect_cycles().objects == 0, "nothing is left to find");
  }));
}

TEST_CASE("a cycle that somebody can reach stays whole") {
  CHECK(in_session([] {
    auto held = make_cycle("held").first;
    auto pinned = make_cycle("pinned").second;
    mobula::pin(pinned);
    const std::string pinned_id = pinned.ID();
    pinned = {};
    mobula::publish("named", make_cycle("named").first);
    auto outer = ray::Put(Node{"outer", {make_cycle("inner").second}});
    const auto from_task = ray::Task(node_around).Remote(std::string("later"), std::string("waits"));
    require(mobula::collect_cycles().objects == 0, "all can be reached");
    require(is_whole(held, "held") && is_whole(ray::ObjectRef<Node>(pinned_id), "pinned"), "held and pinned");
    require(is_whole(*mobula::lookup<Node>("named"), "named"), "named");
    require(is_whole(outer.Get()->others[0], "inner"), "contained in what is held");
    mobula::publish("later", ray::Put(Node{"later", {}}));
    from_task.Get();
    for (const char *name : {"named", "later"}) mobula::unpublish(name);
    mobula::unpin(ray::ObjectRef<Node>(pinned_id));
    held = outer = {};
    require(mobula::collect_cycles().objects >= 6, "and goes when it cannot be reached any more");
  }));
}

TEST_CASE("what a weak reference finds of a cycle is all of it or nothing") {
  CHECK(in_session(small_session(60'000), [] {
    int found = 0;
    int gone = 0;
    for (int i = 0; i < 200; ++i) {
      const std::string text = std::to_string(i);
      const mobula::WeakRef<Node> weak(make_cycle(text).first);
      std::thread collector([] { mobula::collect_cycles(); });
      // Before the pass, in the middle of it, or after it.
      for (int pauses = 0; pauses < i * 40; ++pauses) std::atomic_signal_fence(std::memory_order_seq_cst);
      const auto locked = weak.lock();
      if (locked) require(is_whole(*locked, text), "whole");
      (locked ? found : gone) += 1;
      collector.join();
      if (locked) require(is_whole(*locked, text), "whole after the pass");
    }
    require(found + gone == 200, "each is the one or the other");
    mobula::collect_cycles();
    require(store_is_empty(), "nothing is left");
  }));
}

TEST_CASE("a put that waits for space has unreachable cycles freed") {
  CHECK(in_session(small_session(60'000, {{"MOBULA_PUT_TIMEOUT_MS", "5000"}}), [] {
    for (int i = 0; i < 20; ++i) {
      make_cycle(std::string(10u << 20, static_cast<char>('a' + i)));  // 20 MiB each, in a store of 64 MiB
    }
    require(store_figure("freed") > 30, "most of them were freed without being asked for");
    mobula::collect_cycles();
    require(store_is_empty(), "nothing is left");
  }));
}
