// Pins have owners: a dead process's pins go, another's stay, and the session can pin, too.
#include <doctest/doctest.h>
#include <mobula/pin.h>
#include <mobula/task.h>

#include "process/session_case.h"
#include "support/child.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_program;
using ray::internal::RayException;

namespace {

mobula::support::RunResult mobula_command(const std::string &command, const std::string &object) {
  return run_program({program("MOBULA_COMMAND"), command, object, "--session", own_session()}, inside_case());
}

std::string text_of(const std::string &id) { return *ray::ObjectRef<std::string>(id).Get(); }

// Pins them all, says so, and waits for its death.
int pin_and_wait(std::vector<ray::ObjectRef<std::string>> objects, std::string path) {
  for (const auto &object : objects) mobula::pin(object);
  objects.clear();
  std::ofstream(path + ".new") << ::getpid();
  std::filesystem::rename(path + ".new", path);
  for (;;) ::pause();
}
RAY_REMOTE(pin_and_wait);

}  // namespace

TEST_CASE("a pinned object outlives its last handle and goes with the unpin") {
  CHECK(in_session([] {
    auto object = ray::Put(std::string(5'000, 'p'));
    mobula::pin(object);
    const std::string id = object.ID();
    object = {};
    require(store_figure("pinned_objects") == 1, "one is pinned");
    require(text_of(id) == std::string(5'000, 'p'), "a pinned object is found by its id");
    mobula::unpin(ray::ObjectRef<std::string>(id));
    require(eventually([] { return store_figure("objects") == 0; }), "the unpin frees it");
  }));
}

TEST_CASE("as many unpins as pins, and one more is refused") {
  CHECK(in_session([] {
    const auto object = ray::Put(1);
    mobula::pin(object);
    mobula::pin(object);
    mobula::unpin(object);
    require(store_figure("pinned_objects") == 1, "still pinned once");
    mobula::unpin(object);
    require(store_figure("pinned_objects") == 0, "pinned no more");
    const std::string text = text_thrown_by<RayException>([&] { mobula::unpin(object); });
    require(contains(text, "no pin"), "refused: " + text);
  }));
}

TEST_CASE("the pins of a killed worker go, its driver's stay") {
  CHECK(in_session([] {
    auto mine = ray::Put(std::string("mine"));
    auto shared = ray::Put(std::string("shared"));
    auto theirs = ray::Put(std::string("theirs"));
    const std::string mine_id = mine.ID();
    const std::string shared_id = shared.ID();
    const std::string theirs_id = theirs.ID();
    mobula::pin(mine);
    mobula::pin(shared);
    const std::string path = case_folder() + "/pinned";
    auto task = ray::Task(pin_and_wait);
    auto result = mobula::with_retries(task, 0).Remote(std::vector{shared, theirs}, path);
    mine = shared = theirs = {};
    require(eventually([&path] { return std::filesystem::exists(path); }), "the worker has pinned");
    require(text_of(theirs_id) == "theirs", "the worker's pin keeps it");
    require(store_figure("pinned_objects") == 3, "three are pinned");
    mobula::unpin(ray::ObjectRef<std::string>(shared_id));
    require(text_of(shared_id) == "shared", "the driver's unpin leaves the object to the worker");
    require(store_figure("pinned_objects") == 3, "and the worker's pin on it");
    mobula::pin(ray::ObjectRef<std::string>(shared_id));
    pid_t worker = 0;
    std::ifstream(path) >> worker;
    std::filesystem::remove(path);
    ::kill(worker, SIGKILL);
    text_thrown_by<RayException>([&result] { result.Get(); });
    result = {};
    require(eventually([] { return store_figure("objects") == 2; }), "the worker's pin went with it");
    require(text_of(mine_id) == "mine" && text_of(shared_id) == "shared", "the driver's pins stay");
    mobula::unpin(ray::ObjectRef<std::string>(mine_id));
    mobula::unpin(ray::ObjectRef<std::string>(shared_id));
  }));
}

TEST_CASE("mobula pin keeps an object for the session, mobula unpin lets it go") {
  CHECK(in_session([] {
    auto object = ray::Put(std::string("kept"));
    const std::string id = object.ID();
    require(mobula_command("pin", hex(id)).ok, "mobula pin");
    const auto again = mobula_command("pin", hex(id));
    require(again.exit_code == 1 && contains(again.errors, "already"), "a second pin says so: " + again.errors);
    object = {};
    require(text_of(id) == "kept", "it outlives its last handle");
    const std::string mismatches = mismatches_in(own_session());
    require(mismatches.empty(), mismatches);
    require(
        contains(run_program({program("MOBULA_COMMAND"), "memory", "--session", own_session()}, inside_case()).output,
                 "session"),
        "mobula memory names the session as its holder");
    require(mobula_command("unpin", hex(id)).ok, "mobula unpin");
    require(eventually([] { return store_figure("objects") == 0; }), "it is freed");
    const auto gone = mobula_command("pin", hex(id));
    require(gone.exit_code == 1 && contains(gone.errors, "gone"), "what is gone is not pinned: " + gone.errors);
    const auto nonsense = mobula_command("pin", "xyz");
    require(nonsense.exit_code == 1 && contains(nonsense.errors, "no object id"), "nonsense is named");
  }));
}
