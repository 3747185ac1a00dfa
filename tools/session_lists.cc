#include "tools/session_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/clock.h"
#include "base/units.h"

namespace mobula::tools {
namespace {

using tasks::Object;
using tasks::Process;
using tasks::Task;
using Side = Table::Side;
using Value = std::function<std::string(std::size_t)>;

ListColumn text(const char *key, const char *title, Value value) {
  return {key, title, Side::kLeft, false, std::move(value), {}};
}
ListColumn number(const char *key, const char *title, Value value, Value shown = {}) {
  return {key, title, Side::kRight, true, std::move(value), std::move(shown)};
}
std::string number_or_none(std::uint64_t value) { return value == 0 ? "" : std::to_string(value); }

const char *name_of_kind(segment::Kind kind) {
  switch (kind) {
    case segment::Kind::kValue:
      return "value";
    case segment::Kind::kForward:
      return "result";
    case segment::Kind::kError:
      return "error";
    case segment::Kind::kActor:
      return "actor";
    case segment::Kind::kSpec:
    case segment::Kind::kBuffer:
      break;
  }
  return "unknown";
}

std::string reasons(std::uint32_t retained) {
  std::string text;
  for (const auto &[why, name] :
       {std::pair{segment::Retained::kNamed, "named"}, std::pair{segment::Retained::kWeak, "weak"},
        std::pair{segment::Retained::kAsked, "asked"}}) {
    if (has(retained, why)) text += (text.empty() ? "" : ",") + std::string(name);
  }
  return text;
}

std::int64_t since_ms(const tasks::Holdings &holdings, std::int64_t since_ns) {
  return std::max<std::int64_t>(holdings.read_ns - since_ns, 0) / base::kNanosecondsPerMillisecond;
}

}  // namespace

SessionLists::SessionLists(const tasks::Holdings &holdings, Labels &labels) : holdings_(holdings), labels_(labels) {
  find_tasks();
  find_actors();
  sum_clients();
}

// --- facts ----------------------------------------------------------------------------------------------------------

void SessionLists::find_tasks() {
  for (const Task &task : holdings_.tasks) {
    if (!(task.is_over && task.makes_actor)) tasks_.push_back(&task);
  }
}

void SessionLists::find_actors() {
  std::unordered_map<std::uint32_t, std::uint32_t> clients;  // by the actor's entry
  for (std::uint32_t client = 1; client < holdings_.processes.size(); ++client) {
    const Process &process = holdings_.processes[client];
    if (process.actor_entry != segment::kNoEntry) clients[process.actor_entry] = client;
  }
  std::unordered_map<std::uint32_t, std::size_t> by_entry;
  for (const Object &object : holdings_.objects) {
    if (!object.is_actor()) continue;
    const auto at = clients.find(object.name.entry);
    const std::uint32_t client = at == clients.end() ? 0 : at->second;
    by_entry[object.name.entry] = actors_.size();
    actors_.push_back({object.name, client != 0 ? "alive" : "dead", client, "", object.site, object.created_ns, 0, 0,
                       object.holders.count});
  }
  for (const Task &task : holdings_.tasks) {
    if (task.makes_actor) {
      const auto made = std::find_if(actors_.begin(), actors_.end(), [&](const ActorFacts &actor) {
        return task.is_over ? actor.client == task.worker : actor.client == 0 && actor.site == task.site;
      });
      if (made != actors_.end()) {
        made->maker = labels_.task(task);
        if (made->client == 0) made->state = "restarting";
      } else {
        actors_.push_back({task.spec, "pending", 0, labels_.task(task), task.site, task.since_ns, 0, 0, 0});
      }
    }
    const auto called = by_entry.find(task.actor.entry);
    if (called == by_entry.end()) continue;
    ++(task.runs() ? actors_[called->second].running : actors_[called->second].queued);
  }
}

void SessionLists::sum_clients() {
  sums_.resize(holdings_.processes.size());
  for (const Object &object : holdings_.objects) {
    for (const tasks::Holder &holder : holdings_.holders_of(object)) {
      if (holder.client >= sums_.size()) continue;
      ClientSums &sum = sums_[holder.client];
      ++sum.objects;
      sum.handles += holder.handles_beside_pins();
      sum.pins += holder.pins;
      sum.bytes += object.size_bytes;
    }
  }
}

const char *SessionLists::state_of(const Task &task) {
  if (task.is_over) return "ending";
  switch (task.claim) {
    case tasks::Claim::kIdle:
      return "queued";
    case tasks::Claim::kOffered:
      return "offered";
    case tasks::Claim::kRunning:
      return "running";
    case tasks::Claim::kCancelling:
      break;
  }
  return "cancelling";
}

const char *SessionLists::state_of(const Process &process) const {
  if (process.is_ending) return "ended";
  if (process.runs()) return "running";
  if (process.kind == segment::ClientKind::kDriver) return "attached";
  return process.actor_entry != segment::kNoEntry ? "actor" : "idle";
}

std::string SessionLists::pid_of(std::uint32_t client) const {
  return client == 0 || client >= holdings_.processes.size() ? "" : number_or_none(holdings_.processes[client].pid);
}

std::string SessionLists::age(std::int64_t since_ns) const {
  return since_ns == 0 ? "" : std::to_string(since_ms(holdings_, since_ns));
}

ListColumn SessionLists::age_column(std::function<std::int64_t(std::size_t)> since_ns) const {
  return number(
      "age_ms", "AGE", [this, since_ns](std::size_t row) { return age(since_ns(row)); },
      [this, since_ns](std::size_t row) { return format_age(since_ms(holdings_, since_ns(row))); });
}

// --- lists ----------------------------------------------------------------------------------------------------------

Listing SessionLists::objects() {
  const auto at = [this](std::size_t row) -> const Object & { return holdings_.objects[row]; };
  const auto holders = [this, at](std::size_t row) { return holdings_.holders_of(at(row)); };
  return {"object",
          holdings_.objects.size(),
          {text("id", "OBJECT ID", [=, this](std::size_t row) { return labels_.id(at(row).name); }),
           text("state", "STATE", [=](std::size_t row) { return name_of(at(row).state); }),
           text("kind", "KIND", [=](std::size_t row) { return name_of_kind(at(row).kind); }),
           number(
               "size_bytes", "SIZE", [=](std::size_t row) { return std::to_string(at(row).size_bytes); },
               [=](std::size_t row) { return base::format_bytes(at(row).size_bytes); }),
           age_column([=](std::size_t row) { return at(row).created_ns; }),
           number("creator_pid", "CREATOR", [=](std::size_t row) { return number_or_none(at(row).creator_pid); }),
           number("holders", "HOLDERS", [=](std::size_t row) { return std::to_string(at(row).holders.count); }),
           number("handles", "HANDLES",
                  [=](std::size_t row) {
                    std::uint64_t sum = 0;
                    for (const tasks::Holder &holder : holders(row)) sum += holder.handles_beside_pins();
                    return std::to_string(sum);
                  }),
           number("pins", "PINS",
                  [=](std::size_t row) {
                    std::uint64_t sum = 0;
                    for (const tasks::Holder &holder : holders(row)) sum += holder.pins;
                    return std::to_string(sum);
                  }),
           number("task_references", "TASKS", [=](std::size_t row) { return std::to_string(at(row).task_references); }),
           number("captured_references", "CAPTURED",
                  [=](std::size_t row) { return std::to_string(at(row).captured_references); }),
           text("retained", "RETAINED", [=](std::size_t row) { return reasons(at(row).retained); }),
           text("created_at", "CREATED AT", [=, this](std::size_t row) { return labels_.site(at(row).site).text; })}};
}

Listing SessionLists::tasks() {
  const auto at = [this](std::size_t row) -> const Task & { return *tasks_[row]; };
  return {
      "task",
      tasks_.size(),
      {text("name", "NAME", [=, this](std::size_t row) { return labels_.task(at(row)); }),
       text("function", "FUNCTION", [=, this](std::size_t row) { return labels_.function(at(row).function); }),
       text("state", "STATE", [=](std::size_t row) { return state_of(at(row)); }),
       text("kind", "KIND",
            [=](std::size_t row) {
              if (at(row).makes_actor) return "actor creation";
              return at(row).actor.entry != segment::kNoEntry ? "actor call" : "task";
            }),
       number("worker_pid", "WORKER", [=, this](std::size_t row) { return pid_of(at(row).worker); }),
       age_column([=](std::size_t row) { return at(row).since_ns; }),
       text("actor", "ACTOR",
            [=, this](std::size_t row) {
              return at(row).actor.entry == segment::kNoEntry ? "" : labels_.id(at(row).actor);
            }),
       number("submitter_pid", "SUBMITTER", [=](std::size_t row) { return number_or_none(at(row).creator_pid); }),
       text("submitted_at", "SUBMITTED AT", [=, this](std::size_t row) { return labels_.site(at(row).site).text; })}};
}

Listing SessionLists::actors() {
  const auto at = [this](std::size_t row) -> const ActorFacts & { return actors_[row]; };
  const auto process = [this, at](std::size_t row) -> const Process & { return holdings_.processes[at(row).client]; };
  return {"actor",
          actors_.size(),
          {text("id", "ACTOR ID", [=, this](std::size_t row) { return labels_.id(at(row).name); }),
           text("state", "STATE", [=](std::size_t row) { return at(row).state; }),
           number("pid", "PID", [=, this](std::size_t row) { return pid_of(at(row).client); }),
           text("maker", "MADE BY", [=](std::size_t row) { return at(row).maker; }),
           age_column([=](std::size_t row) { return at(row).created_ns; }),
           number("queued", "QUEUED", [=](std::size_t row) { return std::to_string(at(row).queued); }),
           number("running", "RUNNING", [=](std::size_t row) { return std::to_string(at(row).running); }),
           text("method", "METHOD",
                [=, this](std::size_t row) {
                  return at(row).client == 0 || !process(row).runs()
                             ? ""
                             : labels_.site(process(row).task_site).parts.function;
                }),
           number("calls_run", "CALLS RUN",
                  [=](std::size_t row) { return at(row).client == 0 ? "" : std::to_string(process(row).tasks_run); }),
           number("holders", "HOLDERS", [=](std::size_t row) { return std::to_string(at(row).holders); }),
           text("created_at", "CREATED AT", [=, this](std::size_t row) { return labels_.site(at(row).site).text; })}};
}

Listing SessionLists::clients(const std::string &noun) {
  const bool only_workers = noun == "worker";
  listed_.clear();
  for (std::uint32_t client = 1; client < holdings_.processes.size(); ++client) {
    const segment::ClientKind kind = holdings_.processes[client].kind;
    const bool is_wanted = only_workers ? kind == segment::ClientKind::kWorker : kind != segment::ClientKind::kNone;
    if (is_wanted) listed_.push_back(client);
  }
  const auto at = [this](std::size_t row) -> const Process & { return holdings_.processes[listed_[row]]; };
  const auto sum = [this](std::size_t row) -> const ClientSums & { return sums_[listed_[row]]; };
  return {
      noun,
      listed_.size(),
      {number("pid", "PID", [=](std::size_t row) { return std::to_string(at(row).pid); }),
       text("kind", "KIND", [=](std::size_t row) { return name_of(at(row).kind); }),
       text("state", "STATE", [=, this](std::size_t row) { return state_of(at(row)); }),
       text(
           "runs", "RUNS",
           [=, this](std::size_t row) { return at(row).runs() ? labels_.site(at(row).task_site).parts.function : ""; }),
       number(
           "runs_ms", "FOR", [=, this](std::size_t row) { return at(row).runs() ? age(at(row).task_since_ns) : ""; },
           [=, this](std::size_t row) { return format_age(since_ms(holdings_, at(row).task_since_ns)); }),
       number("tasks_run", "TASKS RUN", [=](std::size_t row) { return std::to_string(at(row).tasks_run); }),
       number("objects", "OBJECTS", [=](std::size_t row) { return std::to_string(sum(row).objects); }),
       number("handles", "HANDLES", [=](std::size_t row) { return std::to_string(sum(row).handles); }),
       number("pins", "PINS", [=](std::size_t row) { return std::to_string(sum(row).pins); }),
       number(
           "held_bytes", "HELD", [=](std::size_t row) { return std::to_string(sum(row).bytes); },
           [=](std::size_t row) { return base::format_bytes(sum(row).bytes); }),
       text("command", "COMMAND", [=, this](std::size_t row) { return labels_.command(at(row).pid); })}};
}

}  // namespace mobula::tools
