// tasks/resource_gate.h: who waits for resources, and who goes next. Only tasks and actors that ask for resources pass
// through it; all others go to the scheduler at once.
//   Layout     equal requests of one group and bundle wait in one line, first come first served; lines pass each other
//   Threads    thread-bound, pure: events in, the admitted out
//   Ownership  owns the session's ledger and its placement groups; names tasks and actors by number, never reused.
//              Numbers that it does not know are ignored
//   Cost       O(names) an event; admit() O((lines + admitted) log lines), nothing when nothing has changed. About 400
//              bytes for each number
//
// Slots. The scheduler gives one slot to each running task. slots() says how many it may give: those of tasks that are
// not admitted here, and one for each admitted task, whatever it asks for.
// Fairness. A line whose head was passed over kPassedOverMax times by younger ones is urgent: who shares a resource
// with it waits. Not while an admitted task is blocked: it may wait for one of those. Nor when actors and groups keep
// what the head asks for: they may stay for ever.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "tasks/placement_groups.h"
#include "tasks/resources.h"
#include "tasks/task_table.h"

namespace mobula::tasks {

constexpr std::uint32_t kPassedOverMax = 64;

struct Asked {
  Quantities request;
  GroupNumber group = 0;     // 0: of the session
  std::int32_t bundle = -1;  // of that group; -1: any
  bool lasts = false;        // an actor's: kept until remove(), without a slot of the scheduler
};

class ResourceGate {
 public:
  explicit ResourceGate(Quantities totals) : session_(std::move(totals)), groups_(session_) {}
  ResourceGate(const ResourceGate &) = delete;
  ResourceGate &operator=(const ResourceGate &) = delete;

  // Why it can never be met, "" if it can.
  [[nodiscard]] std::string refusal(const Asked &asked) const;

  // Waits for `unsettled` objects, then for what it asks for. REQUIRES: unknown, and refusal() is "".
  void add(TaskNumber number, Asked asked, std::uint32_t unsettled);
  void object_settled(TaskNumber number);
  // It has ended or will not run: what it has is free.
  void remove(TaskNumber number);
  // It waits for an object, so its CPU is free meanwhile; or goes on.
  void set_blocked(TaskNumber number, bool blocked);

  // Those that have got what they asked for just now, in this order.
  std::vector<TaskNumber> admit();

  // Of those that have a part of what it waits for: whoever ends may let it in. Nothing: it waits for no resources, or
  // something is kept by groups.
  [[nodiscard]] std::vector<TaskNumber> holders_before(TaskNumber number) const;

  // Null until it is admitted.
  [[nodiscard]] const Grant *grant_of(TaskNumber number) const;
  [[nodiscard]] bool knows(TaskNumber number) const { return members_.contains(number); }
  // Nobody waits for resources or has any.
  [[nodiscard]] bool is_empty() const { return members_.empty(); }
  // Somebody waits for an object: object_settled() matters.
  [[nodiscard]] bool awaits_objects() const { return unsettled_ > 0; }
  // admit() and slots() may have something new to say.
  [[nodiscard]] bool has_changed() const { return changed_; }
  // Of the scheduler, when the session has `count` and nobody asks for resources. At least 1.
  [[nodiscard]] std::uint32_t slots(std::uint32_t count) const;

  // A pending group, which admit() places. 0, and a text: see PlacementGroups.
  GroupNumber create_group(GroupRequest request, std::string *why);
  // Whoever waits for the group or uses it; all of them are forgotten here, and the caller ends them.
  struct Users {
    std::vector<TaskNumber> waiting;
    std::vector<TaskNumber> admitted;
  };
  Users remove_group(GroupNumber number);

  [[nodiscard]] const Resources &session() const { return session_; }
  [[nodiscard]] const PlacementGroups &groups() const { return groups_; }

 private:
  using Sequence = std::uint64_t;  // order of arrival
  using LineKey = std::tuple<GroupNumber, std::int32_t, Quantities>;

  enum class Stage : std::uint8_t { kUnsettled, kWaiting, kAdmitted };
  struct Member {
    Asked asked;
    Sequence sequence = 0;
    std::uint32_t unsettled = 0;
    Stage stage = Stage::kUnsettled;
    bool blocked = false;
    Grant grant;
    std::size_t bundle = 0;  // that the grant is from, if it asked in a group
  };
  struct Line {
    std::map<Sequence, TaskNumber> waiting;
    std::uint32_t passed_over = 0;  // its head, by younger ones of other lines
  };
  struct PendingGroup {
    GroupNumber number = 0;
    std::uint32_t passed_over = 0;
  };
  // What admit() looks at: the head of a line, or a pending group.
  struct Head {
    Sequence sequence = 0;
    GroupNumber ledger = 0;
    const Quantities *request = nullptr;
    std::uint32_t *passed_over = nullptr;
    const LineKey *line = nullptr;  // null: a pending group
  };
  struct YoungerLast;

  static LineKey key_of(const Asked &asked) { return {asked.group, asked.bundle, asked.request}; }
  std::vector<Head> heads();
  bool serve(const Head &head, std::vector<TaskNumber> *admitted);
  bool take(Member &member);
  bool next_head(Head *head);
  bool is_urgent(const Head &head) const;
  Quantities lasting(GroupNumber ledger) const;
  void enqueue(TaskNumber number, Member &member);
  void leave_line(const Member &member);
  Resources *ledger_of(const Member &member);
  void give_back(Member &member);

  Resources session_;
  PlacementGroups groups_;
  std::unordered_map<TaskNumber, Member> members_;
  std::map<LineKey, Line> lines_;  // none of them empty
  std::map<Sequence, PendingGroup> pending_groups_;
  Sequence last_sequence_ = 0;
  std::size_t unsettled_ = 0;  // members that wait for objects
  std::uint32_t blocked_ = 0;  // admitted ones that are blocked
  std::uint32_t running_ = 0;  // admitted ones with a slot
  bool changed_ = false;       // since the last admit()
};

}  // namespace mobula::tasks
