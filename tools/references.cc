#include "tools/references.h"

#include <algorithm>

namespace mobula::tools {
namespace {

using segment::ClientKind;
using tasks::Holdings;
using tasks::Object;

class Lister {
 public:
  Lister(const Holdings &holdings, const Labels &labels) : holdings_(holdings), labels_(labels) {
    rows_.reserve(holdings.objects.size() + holdings.objects.size() / 4);
    for (const tasks::Process &process : holdings.processes) {
      if (process.runs()) running_.push_back(&process);
    }
  }

  std::vector<ReferenceRow> run() {
    for (std::uint32_t number = 0; number < holdings_.objects.size(); ++number) {
      const Object &object = holdings_.objects[number];
      row_ = {};
      row_.object = number;
      for (const tasks::Holder &holder : holdings_.holders_of(object)) add_holder(object, holder);
      add_tasks(object);
      add_containers(object);
      add_reasons(object);
    }
    return std::move(rows_);
  }

 private:
  void add(ReferenceType type, std::uint32_t client, std::uint32_t site, std::uint32_t handles, std::int64_t since_ns) {
    row_.type = type;
    const bool is_process = client < holdings_.processes.size();
    row_.process = is_process ? holdings_.processes[client].kind : ClientKind::kNone;
    row_.pid = is_process ? holdings_.processes[client].pid : 0;
    row_.site = site;
    row_.handles = handles;
    row_.since_ns = since_ns;
    rows_.push_back(row_);
  }

  void add_holder(const Object &object, const tasks::Holder &holder) {
    if (holder.pinned) add(ReferenceType::kPinned, holder.client, holder.site, holder.pins, holder.since_ns);
    const std::uint32_t handles = holder.handles_beside_pins();
    if (!holder.holds || (holder.pinned && handles == 0)) return;
    add(object.is_actor() ? ReferenceType::kActorHandle : ReferenceType::kLocal, holder.client, holder.site, handles,
        holder.since_ns);
  }

  void add_tasks(const Object &object) {
    std::uint32_t left = object.task_references;
    for (const std::uint32_t number : holdings_.users_of(object)) {
      const tasks::Task &task = holdings_.tasks[number];
      const std::uint32_t client = task.worker != 0 ? task.worker : labels_.client_of(task.creator_pid);
      add(ReferenceType::kUsedByTask, client == 0 ? kNobody : client, task.site, 0, task.since_ns);
      if (left != 0) --left;
    }
    // Its own task: who runs it is known, who will is not.
    if (left == 0 || refs::is_settled(object.state)) return;
    const auto at = std::find_if(running_.begin(), running_.end(),
                                 [&](const tasks::Process *process) { return process->task == object.name; });
    const bool runs = at != running_.end();
    add(ReferenceType::kUsedByTask, runs ? static_cast<std::uint32_t>(*at - holdings_.processes.data()) : kNobody,
        object.site, 0, runs ? (*at)->task_since_ns : 0);
  }

  void add_containers(const Object &object) {
    for (const std::uint32_t number : holdings_.containers_of(object)) {
      const Object &container = holdings_.objects[number];
      const std::uint32_t client = labels_.client_of(container.creator_pid);
      add(ReferenceType::kCaptured, client == 0 ? kNobody : client, container.site, 0, container.created_ns);
    }
    if (object.captured_references > object.captures_found) add(ReferenceType::kCaptured, kNobody, 0, 0, 0);
  }

  void add_reasons(const Object &object) {
    if (has(object.retained, segment::Retained::kNamed)) add(ReferenceType::kNamed, 0, 0, 0, 0);
    if (has(object.retained, segment::Retained::kWeak)) add(ReferenceType::kWeak, 0, 0, 0, 0);
    if (has(object.retained, segment::Retained::kAsked)) add(ReferenceType::kRetained, 0, 0, 0, 0);
    if (object.is_to_be_freed()) add(ReferenceType::kToBeFreed, kNobody, 0, 0, 0);
  }

  static constexpr std::uint32_t kNobody = 0xffffffffu;
  const Holdings &holdings_;
  const Labels &labels_;
  std::vector<const tasks::Process *> running_;
  ReferenceRow row_;
  std::vector<ReferenceRow> rows_;
};

}  // namespace

const char *name_of(ReferenceType type) {
  constexpr const char *kNames[kReferenceTypes] = {"ACTOR_HANDLE",    "PINNED_IN_MEMORY",   "USED_BY_PENDING_TASK",
                                                   "LOCAL_REFERENCE", "CAPTURED_IN_OBJECT", "NAMED",
                                                   "WEAKLY_HELD",     "RETAINED",           "TO_BE_FREED"};
  return kNames[static_cast<std::size_t>(type)];
}

std::vector<ReferenceRow> list_references(const Holdings &holdings, const Labels &labels) {
  return Lister(holdings, labels).run();
}

void sort(const Holdings &holdings, SortBy by, Labels &labels, std::vector<ReferenceRow> *rows) {
  const auto by_key = [rows](auto key) {
    std::stable_sort(rows->begin(), rows->end(),
                     [&key](const ReferenceRow &a, const ReferenceRow &b) { return key(a) < key(b); });
  };
  switch (by) {
    case SortBy::kSize:
      return by_key([&](const ReferenceRow &row) { return ~holdings.objects[row.object].size_bytes; });
    case SortBy::kAge:
      return by_key([&](const ReferenceRow &row) {
        const std::int64_t created_ns = holdings.objects[row.object].created_ns;
        return created_ns == 0 ? INT64_MAX : created_ns;  // unknown ones last
      });
    case SortBy::kPid:
      return by_key([](const ReferenceRow &row) { return row.pid; });
    case SortBy::kSite:
      return by_key([&](const ReferenceRow &row) { return std::string_view(labels.site(row.site).text); });
    case SortBy::kHandles:
      return by_key([](const ReferenceRow &row) { return ~row.handles; });
  }
}

}  // namespace mobula::tools
