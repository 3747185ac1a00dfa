// What the segment tells of who made, took and ran what, and how processes ended.
#include <doctest/doctest.h>
#include <mobula/cancel.h>
#include <mobula/draft.h>
#include <mobula/put.h>
#include <mobula/task.h>

#include <csignal>
#include <optional>

#include "objects/history.h"
#include "process/session_case.h"
#include "refs/event_log.h"
#include "refs/object_id.h"
#include "segment/sites.h"
#include "tools/doctor.h"

using namespace mobula;
using namespace mobula::process;
using mobula::support::require;
using IntRef = ray::ObjectRef<int>;

namespace {

std::vector<IntRef> kept;

int keep_second(int, IntRef object) {
  kept.push_back(std::move(object));
  return ::getpid();
}
// Its process stays, as that of a worker may not.
class Keeper {
 public:
  static Keeper *Make() { return new Keeper; }
  int Keep(int, IntRef object) {
    kept_.push_back(std::move(object));
    return ::getpid();
  }

 private:
  std::vector<IntRef> kept_;
};
int add(int a, int b) { return a + b; }
int end_by(int signal) { return ::raise(signal); }
int end_with(int status) { ::_exit(status); }
int sleep_long(std::string path) {
  std::ofstream(path) << "runs";
  ::sleep(60);
  return 0;
}

RAY_REMOTE(Keeper::Make, &Keeper::Keep, keep_second, add, end_by, end_with, sleep_long);

std::unique_ptr<segment::Segment> own_segment() {
  std::unique_ptr<segment::Segment> segment;
  const Status status = tools::open_segment_of(raylet_of(own_session()), &segment);
  require(status == nullptr, status ? status->message : "");
  return segment;
}

segment::SiteCopy site_of(const segment::Segment &segment, const std::string &id) {
  const std::optional<refs::ObjectName> name = refs::decode_id(segment.header().epoch, id);
  require(name.has_value(), "not an id");
  return segment::read_site(segment, segment.entry(name->entry).site);
}

void require_here(const segment::SiteCopy &site, std::uint32_t line, const std::string &what) {
  const bool is_here = site.kind == segment::SiteKind::kLine && site.line == line &&
                       site.file.ends_with("process/tracking_test.cc") && !site.function.empty();
  require(is_here, what + " is of " + segment::describe(site) + ", not of line " + std::to_string(line));
}

// Where the process with that pid took its handle of the object; "" when it has none.
std::string taken_at(const segment::Segment &segment, std::uint32_t pid, const std::string &id) {
  const std::uint32_t entry = refs::decode_id(segment.header().epoch, id)->entry;
  for (std::uint32_t client = 1; client < segment.header().clients_reserved.load(); ++client) {
    const segment::ClientSlot &slot = segment.client(client);
    if (slot.pid != pid) continue;
    const segment::Row *const rows = segment.rows(slot.row_offsets[0]);
    for (std::uint32_t row = 0; row < base::kRowsPerFirstChunk; ++row) {
      if (rows[row].entry_plus_1.load() == entry + 1)
        return segment::describe(segment::read_site(segment, rows[row].site));
    }
  }
  return "";
}

}  // namespace

TEST_CASE("an object is named by the line that put it, a result by the line that asked for its task") {
  const auto result = in_session([] {
    const auto segment = own_segment();
    const IntRef put = ray::Put(1);
    const std::uint32_t line = __LINE__ - 1;
    const auto raw = put_all(std::vector<int>{1, 2});
    auto draft = create<double>(1000);
    const auto drafted = std::move(draft).seal();
    const auto small = create<double>(1).seal();
    const IntRef made = ray::Task(add).Remote(1, 2);
    require_here(site_of(*segment, put.ID()), line, "put");
    require_here(site_of(*segment, raw[1].ID()), line + 2, "put_all");
    require_here(site_of(*segment, drafted.ID()), line + 3, "create");
    require_here(site_of(*segment, small.ID()), line + 5, "a small draft");
    require_here(site_of(*segment, made.ID()), line + 6, "a result before its end");
    made.Get();
    require_here(site_of(*segment, made.ID()), line + 6, "a result");
  });
  CHECK_MESSAGE(result.ok, result.reason);
}

TEST_CASE("a handle that a worker keeps is named by task and argument") {
  const auto result = in_session([] {
    const IntRef object = ray::Put(1);
    const auto keeper = ray::Actor(Keeper::Make).Remote();
    const int pid = *keeper.Task(&Keeper::Keep).Remote(7, object).Get();
    const auto segment = own_segment();
    const std::string site = taken_at(*segment, static_cast<std::uint32_t>(pid), object.ID());
    require(site == "argument 2 of &Keeper::Keep", "taken at: " + site);
  });
  CHECK_MESSAGE(result.ok, result.reason);
}

TEST_CASE("a death tells how, and what ran") {
  const auto result = in_session([] {
    const auto segment = own_segment();
    const auto died_of = [&](const auto &object) {
      try {
        object.Get();
      } catch (const ray::internal::RayWorkerException &) {
      }
      return objects::read_deaths(*segment).back();
    };
    const objects::DeathRecord aborted = died_of(with_retries(ray::Task(end_by), 0).Remote(SIGABRT));
    require(objects::describe(aborted) == "killed by SIGABRT", objects::describe(aborted));
    require(segment::read_site(*segment, aborted.task_site).function == "end_by", "of another function");
    const objects::DeathRecord exited = died_of(with_retries(ray::Task(end_with), 0).Remote(3));
    require(objects::describe(exited) == "exit status 3", objects::describe(exited));
    require(exited.pid != aborted.pid && exited.kind == segment::ClientKind::kWorker, "of another process");
  });
  CHECK_MESSAGE(result.ok, result.reason);
}

TEST_CASE("a worker that was killed with its task says so") {
  const auto result = in_session([] {
    const std::string runs = case_folder() + "/runs";
    const auto segment = own_segment();
    const IntRef object = ray::Task(sleep_long).Remote(runs);
    while (!std::filesystem::exists(runs)) ::usleep(1'000);
    std::filesystem::remove(runs);
    cancel(object, true);
    require(!text_thrown_by<ray::internal::RayException>([&] { object.Get(); }).empty(), "no exception");
    const std::vector<objects::DeathRecord> deaths = objects::read_deaths(*segment);
    require(!deaths.empty(), "no death was noted");
    require(objects::describe(deaths.back()) == "killed: its task was cancelled", objects::describe(deaths.back()));
  });
  CHECK_MESSAGE(result.ok, result.reason);
}

TEST_CASE("tasks that ran are remembered with their times, and the one that runs is shown") {
  const auto result = in_session([] {
    const std::string runs = case_folder() + "/runs";
    const auto segment = own_segment();
    for (int i = 0; i < 10; ++i) ray::Task(add).Remote(i, 1).Get();
    const IntRef object = ray::Task(sleep_long).Remote(runs);
    while (!std::filesystem::exists(runs)) ::usleep(1'000);
    std::filesystem::remove(runs);
    std::size_t added = 0;
    std::size_t sleeping = 0;
    for (std::uint32_t client = 1; client < segment->header().clients_reserved.load(); ++client) {
      for (const objects::ActivityRecord &activity : objects::read_activities(*segment, client)) {
        if (activity.kind != segment::ActivityKind::kTask) continue;
        added += segment::read_site(*segment, activity.site).function == "add" && activity.ended_ns > activity.began_ns;
      }
      const segment::ClientSlot &slot = segment->client(client);
      sleeping += slot.task_entry_plus_1.load() != 0 &&
                  segment::read_site(*segment, slot.task_site.load()).function == "sleep_long";
    }
    require(added == 10, "tasks remembered: " + std::to_string(added));
    require(sleeping == 1, "tasks shown as running: " + std::to_string(sleeping));
    cancel(object, true);
    require(!text_thrown_by<ray::internal::RayException>([&] { object.Get(); }).empty(), "no exception");
  });
  CHECK_MESSAGE(result.ok, result.reason);
}

TEST_CASE("the reference log keeps an object's life, from its put to its end, across processes") {
  const auto result = in_session(small_session(30'000, {{"MOBULA_REF_LOG", "10000"}}), [] {
    const auto segment = own_segment();
    std::string id;
    int pid = 0;
    {
      const IntRef object = ray::Put(1);
      id = object.ID();
      pid = *ray::Task(keep_second).Remote(7, object).Get();
      ::kill(pid, SIGKILL);
    }
    const refs::ObjectName name = *refs::decode_id(segment->header().epoch, id);
    std::string life;
    const bool ended = eventually([&] {
      life.clear();
      for (const refs::LoggedEvent &event : refs::read_log(*segment)) {
        if (event.name == name) life += std::to_string(static_cast<int>(event.event)) + " ";
      }
      return life.find(std::to_string(static_cast<int>(segment::Event::kFree))) != std::string::npos;
    });
    // Create, seal, take (worker), release (driver), reap (worker), free; the driver may release later than the death.
    require(ended && (life == "1 2 4 6 12 10 " || life == "1 2 4 12 6 10 "), "its life: " + life);
  });
  CHECK_MESSAGE(result.ok, result.reason);
}
