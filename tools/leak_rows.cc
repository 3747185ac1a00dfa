// What tools/leak_report.h tells, put together: who keeps a leak, what made it, and all of it as JSON.
#include <algorithm>
#include <map>

#include "base/clock.h"
#include "tools/json_writer.h"
#include "tools/leak_report.h"
#include "tools/memory_text.h"

namespace mobula::tools {
namespace {

using tasks::KeptBy;
using tasks::Leak;
using tasks::Object;

std::uint64_t key_of(const refs::ObjectName &name) {
  return std::uint64_t{name.entry} << 32 ^ name.generation * 0x9e3779b97f4a7c15ull;
}

struct Words {
  const char *name;
  const char *why;
  const char *to_free;
};
// By KeptBy.
constexpr Words kWords[] = {
    {"handle", "a handle was never dropped", "drop the handle, or end the process"},
    {"pin", "it was pinned and not unpinned", "mobula::unpin, or end the process"},
    {"session_pin", "it was pinned for the session", "mobula unpin"},
    {"draft", "it was created, and neither sealed nor dropped", "seal or drop the draft, or end the process"},
    {"task", "an argument of a task that does not come to its end", "cancel the task, or end what it waits for"},
    {"object", "it lies inside an object that is a leak", "free that object"},
    {"cycle", "objects contain each other", "mobula gc"},
};

}  // namespace

LeakReport::LeakReport(const segment::Segment &segment, const tasks::Holdings &holdings, Labels &labels,
                       std::string session, std::int64_t min_age_ns)
    : segment_(segment),
      holdings_(holdings),
      labels_(labels),
      session_(std::move(session)),
      min_age_ns_(min_age_ns),
      leaks_(tasks::find_leaks(holdings, min_age_ns)) {}

void LeakReport::set_growth(std::string since, std::vector<Growth> growth) {
  since_ = std::move(since);
  growth_ = std::move(growth);
}

Keeper LeakReport::keeper_of(const Leak &leak) const {
  const Leak &root = root_of(leaks_, leak);
  Keeper keeper;
  if (root.kept_by == KeptBy::kTask) {
    const tasks::Task &task = holdings_.tasks[root.by];
    keeper.client = task.worker != 0 ? task.worker : labels_.client_of(task.creator_pid);
    keeper.pid = task.creator_pid;
    keeper.site = task.site;
  } else if (root.kept_by == KeptBy::kCycle || root.kept_by == KeptBy::kObject) {
    keeper.pid = object_of(root).creator_pid;
    keeper.client = labels_.client_of(keeper.pid);
    keeper.site = object_of(root).site;
  } else {
    keeper.client = holdings_.holders[root.by].client;
    keeper.site = holdings_.holders[root.by].site;
    if (keeper.client == 0) keeper.kind = segment::ClientKind::kSession;
  }
  if (keeper.client != 0 && keeper.client < holdings_.processes.size()) {
    keeper.pid = holdings_.processes[keeper.client].pid;
    keeper.kind = holdings_.processes[keeper.client].kind;
  }
  return keeper;
}

std::int64_t LeakReport::age_ms(std::int64_t since_ns) const {
  return std::max<std::int64_t>(holdings_.read_ns - since_ns, 0) / base::kNanosecondsPerMillisecond;
}

std::vector<const Leak *> LeakReport::by_size() const {
  std::vector<const Leak *> sorted;
  sorted.reserve(leaks_.leaks.size());
  for (const Leak &leak : leaks_.leaks) sorted.push_back(&leak);
  std::stable_sort(sorted.begin(), sorted.end(), [this](const Leak *a, const Leak *b) {
    return object_of(*a).size_bytes > object_of(*b).size_bytes;
  });
  return sorted;
}

std::vector<LeakReport::Group> LeakReport::groups() const {
  std::map<std::uint32_t, SiteSum> by_site;
  for (const Leak &leak : leaks_.leaks) {
    SiteSum &sum = by_site[object_of(leak).site];
    ++sum.objects;
    sum.bytes += object_of(leak).size_bytes;
  }
  std::vector<Group> groups;
  for (const auto &[site, sum] : by_site) groups.push_back({site, sum});
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group &a, const Group &b) { return a.sum.bytes > b.sum.bytes; });
  return groups;
}

const objects::ActivityRecord *LeakReport::made_by(const Object &object) {
  if (!made_) {
    made_.emplace();
    for (std::uint32_t client = 1; client < holdings_.processes.size(); ++client) {
      for (const objects::ActivityRecord &record : objects::read_activities(segment_, client)) {
        if (record.kind == segment::ActivityKind::kTask) (*made_)[key_of(record.name)] = record;
      }
    }
  }
  const auto at = made_->find(key_of(object.name));
  return at == made_->end() || !(at->second.name == object.name) ? nullptr : &at->second;
}

std::int64_t LeakReport::idle_since_ns(std::uint32_t client) {
  const auto [at, is_new] = idle_since_.try_emplace(client, 0);
  if (!is_new) return at->second;
  const std::vector<objects::ActivityRecord> records = objects::read_activities(segment_, client);
  if (!records.empty() && records.back().pid == holdings_.processes[client].pid) at->second = records.back().ended_ns;
  return at->second;
}

// --- JSON -----------------------------------------------------------------------------------------------------------

namespace {

class LeakJson {
 public:
  LeakJson(const tasks::Holdings &holdings, Labels &labels, JsonWriter &json)
      : holdings_(holdings), labels_(labels), json_(json) {}

  template <std::size_t kSize>
  void pid(const char (&key)[kSize], std::uint32_t pid) {
    json_.key(key);
    if (pid == 0)
      json_.null();
    else
      json_.number(pid);
  }
  template <std::size_t kSize>
  void since(const char (&key)[kSize], std::int64_t since_ns) {
    json_.key(key);
    if (since_ns == 0)
      json_.null();
    else
      json_.signed_number(std::max<std::int64_t>(holdings_.read_ns - since_ns, 0) / base::kNanosecondsPerMillisecond);
  }
  void object(const Object &object) {
    json_.key("object_id").word(labels_.id(object.name));
    json_.key("size_bytes").number(object.size_bytes);
    json_.key("state").word(name_of(object.state));
    since("age_ms", object.created_ns);
    json_.key("created_at").raw(labels_.site(object.site).parts_json);
    pid("creator_pid", object.creator_pid);
  }
  void holders(const Object &object) {
    json_.key("held_by").begin_list();
    for (const tasks::Holder &holder : holdings_.holders_of(object)) {
      if (holder.client >= holdings_.processes.size()) continue;
      const tasks::Process &process = holdings_.processes[holder.client];
      json_.begin_object();
      pid("pid", process.pid);
      json_.key("process").word(name_of(process.kind));
      json_.key("site").raw(labels_.site(holder.site).json);
      json_.key("handles").number(holder.handles_beside_pins());
      json_.key("pins").number(holder.pins);
      since("held_ms", holder.since_ns);
      json_.key("has_ended").boolean(process.is_ending);
      json_.end_object();
    }
    json_.end_list();
  }
  void process(const tasks::Process &process, std::int64_t idle_since_ns) {
    json_.line().begin_object();
    json_.key("pid").number(process.pid);
    json_.key("kind").word(name_of(process.kind));
    json_.key("command").text(labels_.command(process.pid));
    json_.key("has_ended").boolean(process.is_ending);
    json_.key("is_actor").boolean(process.actor_entry != segment::kNoEntry);
    json_.key("runs").raw(process.runs() ? labels_.site(process.task_site).function_json : "null");
    since("runs_ms", process.runs() ? process.task_since_ns : 0);
    since("idle_ms", process.runs() ? 0 : idle_since_ns);
    json_.end_object();
  }

 private:
  const tasks::Holdings &holdings_;
  Labels &labels_;
  JsonWriter &json_;
};

void growth_json(const std::vector<Growth> &all, JsonWriter &json) {
  json.line().key("growth").begin_list();
  for (const Growth &growth : all) {
    json.line().begin_object();
    json.key("created_at").text(growth.site);
    json.key("objects").signed_number(growth.objects);
    json.key("bytes").signed_number(growth.bytes);
    json.end_object();
  }
  json.end_list();
}

}  // namespace

void LeakReport::json(std::ostream &output) {
  JsonWriter json(output);
  json.begin_object();
  json.key("session").text(session_);
  json.key("min_age_ms").signed_number(min_age_ns_ / base::kNanosecondsPerMillisecond);
  json.line().key("leaks").begin_list();
  for (const Leak *const leak : by_size()) leak_json(*leak, json);
  json.end_list();
  ending_json(json);
  groups_json(json);
  if (growth_) growth_json(*growth_, json);
  processes_json(json);
  footprint_json(holdings_.footprint, json);
  json.end_object();
  json.finish();
}

void LeakReport::leak_json(const Leak &leak, JsonWriter &json) {
  const Object &object = object_of(leak);
  const Keeper keeper = keeper_of(leak);
  const Words &words = kWords[static_cast<std::size_t>(leak.kept_by)];
  LeakJson part(holdings_, labels_, json);
  json.line().begin_object();
  part.object(object);
  json.key("idle_ms").signed_number(leak.idle_ns / base::kNanosecondsPerMillisecond);
  json.key("kept_by").word(words.name);
  part.pid("pid", keeper.pid);
  json.key("process").word(name_of(keeper.kind));
  json.key("site").raw(labels_.site(keeper.site).json);
  part.holders(object);
  json.key("inside");
  if (leak.kept_by == KeptBy::kObject || leak.kept_by == KeptBy::kCycle)
    json.word(labels_.id(holdings_.objects[leak.by].name));
  else
    json.null();
  json.key("task").raw(leak.kept_by == KeptBy::kTask ? json_text(labels_.task(holdings_.tasks[leak.by])) : "null");
  const objects::ActivityRecord *const maker = made_by(object);
  json.key("made_by").raw(maker == nullptr ? "null" : labels_.site(maker->site).function_json);
  json.key("why").word(words.why);
  json.key("to_free").word(words.to_free);
  json.end_object();
}

void LeakReport::ending_json(JsonWriter &json) {
  LeakJson part(holdings_, labels_, json);
  json.line().key("not_yet").begin_list();
  for (const std::uint32_t number : leaks_.ending) {
    json.line().begin_object();
    part.object(holdings_.objects[number]);
    part.holders(holdings_.objects[number]);
    json.end_object();
  }
  json.end_list();
}

void LeakReport::groups_json(JsonWriter &json) {
  json.line().key("groups").begin_list();
  for (const Group &group : groups()) {
    json.line().begin_object();
    json.key("created_at").raw(labels_.site(group.site).parts_json);
    json.key("objects").number(group.sum.objects);
    json.key("bytes").number(group.sum.bytes);
    json.end_object();
  }
  json.end_list();
}

void LeakReport::processes_json(JsonWriter &json) {
  LeakJson part(holdings_, labels_, json);
  json.line().key("processes").begin_list();
  for (std::uint32_t client = 0; client < holdings_.processes.size(); ++client) {
    const tasks::Process &process = holdings_.processes[client];
    if (process.kind != segment::ClientKind::kNone) part.process(process, client == 0 ? 0 : idle_since_ns(client));
  }
  json.end_list();
}

}  // namespace mobula::tools
