// raylet/tasks_world.h: a raylet's tasks with a played edge, drivers, and workers that do what the test says.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "raylet/raylet_world.h"
#include "raylet/tasks.h"
#include "tasks/claim.h"

namespace mobula::raylet {

constexpr std::uint32_t kTemplate = 1;
constexpr std::uint64_t kFunction = 77;
constexpr std::uint64_t kUnknownFunction = 78;

using tasks::ArgumentToEncode;

struct TasksWorld : RayletWorld {
  explicit TasksWorld(std::uint32_t slots_count = 1) : tasks(store, clients, slots_count, make_edge()) {
    REQUIRE(tasks.scheduler().template_added(kTemplate));
  }

  Tasks::Edge make_edge() {
    return {[](std::uint64_t function, std::uint32_t) {
              return function == kFunction ? std::optional<std::uint32_t>(kTemplate) : std::nullopt;
            },
            [this](std::uint32_t, std::uint32_t count) { workers_wanted += count; },
            [this](Client &worker, segment::DeathCause) { killed.push_back(worker.id); },
            [](Client &) {},
            [this](std::uint32_t job) { return clients.find_living(job) != nullptr; },
            [](std::uint32_t job) { return job; },
            [](std::uint32_t) {},
            [](std::uint32_t) { return std::string("of the job"); }};
  }

  void act() {
    while (tasks.act()) {
    }
  }
  std::unique_ptr<Process> start_worker(pid_t pid) {
    auto worker = attach(segment::ClientKind::kWorker, pid);
    worker->client->template_number = kTemplate;
    REQUIRE(tasks.on_worker_started(*worker->client));
    act();
    return worker;
  }
  ObjectName write_spec(Process &process, std::span<const ArgumentToEncode> arguments, std::uint32_t retries,
                        std::uint64_t function = kFunction) {
    const auto bytes = tasks::encode_spec(function, retries, arguments);
    const std::uint32_t entry = grant_one(process, bytes.size());
    segment::Row &row = process.put(entry, bytes, segment::Kind::kSpec);
    const ObjectName name = name_of(entry);
    rows[name.entry] = &row;
    return name;
  }
  ObjectName begin_result(Process &process) {
    const std::uint32_t entry = grant_one(process);
    rows[entry] = &process.begin(entry, State::kPending);
    return name_of(entry);
  }
  wire::TaskNames submit(Process &process, std::vector<ObjectName> references = {}, std::uint32_t retries = 1,
                         std::uint64_t function = kFunction) {
    std::vector<ArgumentToEncode> arguments;
    for (const ObjectName &name : references) arguments.push_back({name, {}, 0, {}});
    const wire::TaskNames names{write_spec(process, arguments, retries, function), begin_result(process)};
    REQUIRE(tasks.on_submit(*process.client, names));
    process.release(*rows[names.spec.entry]);
    act();
    return names;
  }

  // Every offer in the worker's ring that was not read before.
  std::vector<wire::TaskNames> offers_of(const Process &worker) {
    std::vector<wire::TaskNames> all;
    for (const segment::RingSlot &slot :
         read_all(&segment->client(worker.id).offers, segment->rings(worker.id).offers, base::kOfferSlots)) {
      all.push_back(wire::task_names(slot));
    }
    return all;
  }
  bool claim(const Process &worker, const wire::TaskNames &names) {
    return tasks::claim(segment->entry(names.spec.entry).claim, worker.id, names.spec.generation);
  }
  void begin_run(const Process &worker, const wire::TaskNames &names) {
    REQUIRE(claim(worker, names));
    set_result(names, State::kCreating, worker.id);
  }
  void set_result(const wire::TaskNames &names, State state, std::uint32_t writer) {
    segment->entry(names.result.entry).state.store(refs::pack(state, writer, names.result.generation));
  }
  void finish(Process &worker, const wire::TaskNames &names, State state = State::kSealed) {
    begin_run(worker, names);
    set_result(names, state, worker.id);
    REQUIRE(tasks.on_done(*worker.client, names));
    act();
  }
  void die(Process &worker, std::int32_t signal) {
    tasks.on_worker_died(*worker.client, signal);
    static_cast<void>(reap(worker));
    clients.detach(*worker.client);
    act();
  }
  const segment::Verdict &verdict_of(const ObjectName &name) const { return segment->entry(name.entry).verdict; }
  bool failed_with(const ObjectName &name, Code code) const {
    return state_of(name.entry) == State::kFailed && verdict_of(name).code == static_cast<std::uint32_t>(code);
  }

  std::uint32_t workers_wanted = 0;
  std::vector<std::uint32_t> killed;
  std::map<std::uint32_t, segment::Row *> rows;
  Tasks tasks;
};

}  // namespace mobula::raylet
