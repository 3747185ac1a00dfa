#include "tasks/leak_finder.h"

#include <algorithm>
#include <optional>

namespace mobula::tasks {
namespace {

enum class Verdict : std::uint8_t { kOpen, kNeeded, kLeak, kEnding, kToBeFreed };

class Finder {
 public:
  Finder(const Holdings &holdings, std::int64_t min_age_ns)
      : holdings_(holdings), min_age_ns_(min_age_ns), verdicts_(holdings.objects.size()), found_(verdicts_.size()) {}

  Leaks run() {
    index_contents();
    for (std::uint32_t number = 0; number < verdicts_.size(); ++number) verdicts_[number] = judge(number);
    spread(Verdict::kNeeded, [](Verdict to) { return to != Verdict::kNeeded; });
    spread(Verdict::kLeak, [](Verdict to) { return to == Verdict::kOpen || to == Verdict::kEnding; });
    spread(Verdict::kEnding, [](Verdict to) { return to == Verdict::kOpen; });
    spread(Verdict::kToBeFreed, [](Verdict to) { return to == Verdict::kOpen; });
    judge_cycles();
    return collect();
  }

 private:
  // By container, what lies inside of it.
  void index_contents() {
    contents_begin_.assign(holdings_.objects.size() + 2, 0);
    for (const std::uint32_t container : holdings_.containers) ++contents_begin_[container + 2];
    for (std::size_t i = 2; i < contents_begin_.size(); ++i) contents_begin_[i] += contents_begin_[i - 1];
    contents_.resize(holdings_.contents.size());
    for (std::size_t i = 0; i < holdings_.contents.size(); ++i) {
      contents_[contents_begin_[holdings_.containers[i] + 1]++] = holdings_.contents[i];
    }
  }

  bool is_old(std::int64_t since_ns) const { return holdings_.read_ns - since_ns >= min_age_ns_; }

  // By what refers to the object itself.
  Verdict judge(std::uint32_t number) {
    const Object &object = holdings_.objects[number];
    // What a task will make, and what an actor is, is not there to be forgotten.
    if (object.is_actor() || (!refs::is_settled(object.state) && !object.is_draft)) return Verdict::kNeeded;
    if (object.is_to_be_freed()) return Verdict::kToBeFreed;
    std::int64_t needed_ns = std::max(object.created_ns, object.last_taken_ns);
    const std::optional<Leak> used = look_at_users(object, &needed_ns);
    const std::optional<Leak> held = look_at_holders(object, &needed_ns);
    const bool is_held = held.has_value() || used.has_value();
    const bool is_kept_otherwise = object.retained != 0 || object.captured_references > object.captures_found;
    if (!is_held && is_kept_otherwise) return Verdict::kNeeded;
    if (!is_held) return object.containers.count != 0 || object.holders.count == 0 ? Verdict::kOpen : Verdict::kEnding;
    if (!is_old(needed_ns)) return Verdict::kNeeded;
    found_[number] = held ? *held : *used;
    found_[number].object = number;
    found_[number].idle_ns = holdings_.read_ns - needed_ns;
    return Verdict::kLeak;
  }

  // The task that has used it longest. One that began lately needs it.
  std::optional<Leak> look_at_users(const Object &object, std::int64_t *needed_ns) const {
    std::optional<Leak> leak;
    for (const std::uint32_t user : holdings_.users_of(object)) {
      const Task &task = holdings_.tasks[user];
      const std::int64_t since_ns = task.is_over ? holdings_.read_ns + 1 : task.since_ns;
      *needed_ns = std::max(*needed_ns, since_ns);
      if (!leak || since_ns < holdings_.tasks[leak->by].since_ns) leak = Leak{0, user, KeptBy::kTask};
    }
    return leak;
  }

  // The live process that has held it longest.
  std::optional<Leak> look_at_holders(const Object &object, std::int64_t *needed_ns) const {
    std::optional<Leak> leak;
    for (std::uint32_t i = 0; i < object.holders.count; ++i) {
      const std::uint32_t number = object.holders.begin + i;
      const Holder &holder = holdings_.holders[number];
      if (holder.client < holdings_.processes.size() && holdings_.processes[holder.client].is_ending) continue;
      *needed_ns = std::max(*needed_ns, holder.since_ns);
      if (!leak || holder.since_ns < holdings_.holders[leak->by].since_ns)
        leak = Leak{0, number, kept_by(object, holder)};
    }
    return leak;
  }

  static KeptBy kept_by(const Object &object, const Holder &holder) {
    if (object.is_draft) return KeptBy::kDraft;
    if (holder.client == 0) return KeptBy::kSessionPin;
    return holder.pinned ? KeptBy::kPin : KeptBy::kHandle;
  }

  // What lies inside of an object with this verdict has it, too, where `may` allows.
  template <typename May>
  void spread(Verdict verdict, May may) {
    std::vector<std::uint32_t> left;
    for (std::uint32_t number = 0; number < verdicts_.size(); ++number) {
      if (verdicts_[number] == verdict && contents_begin_[number] != contents_begin_[number + 1])
        left.push_back(number);
    }
    while (!left.empty()) {
      const std::uint32_t container = left.back();
      left.pop_back();
      for (std::uint32_t i = contents_begin_[container]; i < contents_begin_[container + 1]; ++i) {
        const std::uint32_t inner = contents_[i];
        if (!may(verdicts_[inner])) continue;
        verdicts_[inner] = verdict;
        found_[inner] = {inner, container, KeptBy::kObject, found_[container].idle_ns};
        left.push_back(inner);
      }
    }
  }

  // Nothing leads to these but themselves.
  void judge_cycles() {
    for (std::uint32_t number = 0; number < verdicts_.size(); ++number) {
      const Object &object = holdings_.objects[number];
      if (verdicts_[number] != Verdict::kOpen || object.containers.count == 0) continue;
      const std::int64_t needed_ns = std::max(object.created_ns, object.last_taken_ns);
      if (!is_old(needed_ns)) continue;
      verdicts_[number] = Verdict::kLeak;
      found_[number] = {number, holdings_.containers_of(object)[0], KeptBy::kCycle, holdings_.read_ns - needed_ns};
    }
  }

  Leaks collect() const {
    Leaks leaks;
    for (std::uint32_t number = 0; number < verdicts_.size(); ++number) {
      if (verdicts_[number] == Verdict::kLeak) leaks.leaks.push_back(found_[number]);
      if (verdicts_[number] == Verdict::kEnding) leaks.ending.push_back(number);
    }
    return leaks;
  }

  const Holdings &holdings_;
  const std::int64_t min_age_ns_;
  std::vector<Verdict> verdicts_;  // by object, as is what follows
  std::vector<Leak> found_;
  std::vector<std::uint32_t> contents_begin_;
  std::vector<std::uint32_t> contents_;
};

const Leak *find(const Leaks &leaks, std::uint32_t object) {
  const auto at = std::lower_bound(leaks.leaks.begin(), leaks.leaks.end(), object,
                                   [](const Leak &leak, std::uint32_t wanted) { return leak.object < wanted; });
  return at == leaks.leaks.end() || at->object != object ? nullptr : &*at;
}

}  // namespace

Leaks find_leaks(const Holdings &holdings, std::int64_t min_age_ns) { return Finder(holdings, min_age_ns).run(); }

const Leak &root_of(const Leaks &leaks, const Leak &leak) {
  const Leak *root = &leak;
  while (root->kept_by == KeptBy::kObject) {
    const Leak *const container = find(leaks, root->by);
    if (container == nullptr) break;
    root = container;
  }
  return *root;
}

}  // namespace mobula::tasks
