#include "client/activities.h"

#include "base/clock.h"
#include "base/tracking.h"
#include "segment/notes.h"

namespace mobula::client {

Activities::Activities(const segment::Segment &segment, std::uint32_t client_id, std::uint32_t pid)
    : segment_(segment), slot_(segment.client(client_id)), client_id_(client_id), pid_(pid) {}

Activities::Work Activities::begin_task(refs::ObjectName result, std::uint32_t site) {
  if constexpr (!base::kTracking) return {};
  const std::int64_t last_end_ns = last_end_ns_.load(std::memory_order_relaxed);
  const Work task{result, site, last_end_ns != 0 ? last_end_ns : base::monotonic_ns()};
  slot_.task_site.store(site, std::memory_order_relaxed);
  slot_.task_generation.store(result.generation, std::memory_order_relaxed);
  slot_.task_since_ns.store(static_cast<std::uint64_t>(task.began_ns), std::memory_order_relaxed);
  // release: who sees the entry sees since when.
  slot_.task_entry_plus_1.store(result.entry + 1, std::memory_order_release);
  return task;
}

void Activities::end_task(const Work &task, segment::ActivityEnd end) {
  if constexpr (!base::kTracking) return;
  const std::int64_t now_ns = base::monotonic_ns();
  last_end_ns_.store(now_ns, std::memory_order_relaxed);
  slot_.task_entry_plus_1.store(0, std::memory_order_relaxed);
  slot_.tasks_run.store(slot_.tasks_run.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  note(segment::ActivityKind::kTask, task, end, now_ns);
}

void Activities::note_wait(refs::ObjectName name, std::uint32_t site, std::int64_t began_ns) {
  if constexpr (!base::kTracking) return;
  note(segment::ActivityKind::kWait, {name, site, began_ns}, segment::ActivityEnd::kDone, base::monotonic_ns());
}

void Activities::set_actor(std::uint32_t entry) {
  slot_.actor_entry_plus_1.store(entry + 1, std::memory_order_release);
}

void Activities::note(segment::ActivityKind kind, const Work &work, segment::ActivityEnd end, std::int64_t ended_ns) {
  // Threads that end calls side by side write to different places.
  const std::uint64_t number = slot_.activities.fetch_add(1, std::memory_order_relaxed) + 1;
  segment::Activity &activity = segment_.activity(client_id_, number);
  segment::write_note(activity, number, [&] {
    activity.began_ns.store(static_cast<std::uint64_t>(work.began_ns), std::memory_order_relaxed);
    activity.ended_ns.store(static_cast<std::uint64_t>(ended_ns), std::memory_order_relaxed);
    activity.generation.store(work.name.generation, std::memory_order_relaxed);
    activity.entry.store(work.name.entry, std::memory_order_relaxed);
    activity.kind.store(static_cast<std::uint32_t>(kind), std::memory_order_relaxed);
    activity.end.store(static_cast<std::uint32_t>(end), std::memory_order_relaxed);
    activity.site.store(work.site, std::memory_order_relaxed);
    activity.pid.store(pid_, std::memory_order_relaxed);
  });
}

}  // namespace mobula::client
