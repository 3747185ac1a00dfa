// tools/leak_report.h: what `mobula leaks` says about what was found, for people and for programs.
//   Threads    thread-bound
//   Cost       O(leaks); texts in full are made for those that are printed
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <unordered_map>
#include <vector>

#include "objects/history.h"
#include "tasks/leak_finder.h"
#include "tools/json_writer.h"
#include "tools/labels.h"
#include "tools/snapshot.h"

namespace mobula::tools {

// The process that would have to do something for an object to be freed.
struct Keeper {
  std::uint32_t client = 0;
  std::uint32_t pid = 0;
  segment::ClientKind kind = segment::ClientKind::kNone;
  std::uint32_t site = 0;  // where it took its handle, or submitted the task
};

class LeakReport {
 public:
  LeakReport(const segment::Segment &segment, const tasks::Holdings &holdings, Labels &labels, std::string session,
             std::int64_t min_age_ns);

  const tasks::Leaks &leaks() const { return leaks_; }
  // Also tells what is kept on purpose.
  void set_all() { all_ = true; }
  void set_growth(std::string since, std::vector<Growth> growth);

  // "" when nothing leaks; details of at most `limit` leaks, the largest first.
  std::string text(std::size_t limit);
  // {"session", "min_age_ms", "leaks": [...], "not_yet": [...], "groups": [{"created_at", "objects", "bytes"}],
  // "growth": [...], "processes": [...], "bytes": {...}}.
  void json(std::ostream &output);

 private:
  struct Group {
    std::uint32_t site = 0;
    SiteSum sum;
  };

  const tasks::Object &object_of(const tasks::Leak &leak) const { return holdings_.objects[leak.object]; }
  Keeper keeper_of(const tasks::Leak &leak) const;
  std::vector<const tasks::Leak *> by_size() const;
  std::vector<Group> groups() const;
  std::int64_t age_ms(std::int64_t since_ns) const;
  // How the task that made the object ended; null: unknown, or it was put.
  const objects::ActivityRecord *made_by(const tasks::Object &object);
  std::int64_t idle_since_ns(std::uint32_t client);

  // leak_rows.cc
  void leak_json(const tasks::Leak &leak, JsonWriter &json);
  void ending_json(JsonWriter &json);
  void groups_json(JsonWriter &json);
  void processes_json(JsonWriter &json);

  // leak_report.cc
  std::string headline() const;
  std::string leak_text(std::size_t number, const tasks::Leak &leak);
  std::string created_text(const tasks::Object &object);
  std::string held_text(const tasks::Object &object);
  std::string process_text(std::uint32_t client);
  std::string why_text(const tasks::Leak &leak);
  std::string advice_text(const tasks::Leak &leak);
  std::string groups_text();
  std::string ending_text();
  std::string on_purpose_text() const;
  std::string growth_text() const;

  const segment::Segment &segment_;
  const tasks::Holdings &holdings_;
  Labels &labels_;
  const std::string session_;
  const std::int64_t min_age_ns_;
  const tasks::Leaks leaks_;
  bool all_ = false;
  std::string since_;
  std::optional<std::vector<Growth>> growth_;
  std::optional<std::unordered_map<std::uint64_t, objects::ActivityRecord>> made_;  // by entry and generation
  std::unordered_map<std::uint32_t, std::int64_t> idle_since_;                      // by client
};

}  // namespace mobula::tools
