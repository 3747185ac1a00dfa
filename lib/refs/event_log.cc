#include "refs/event_log.h"

#include <algorithm>

#include "base/clock.h"
#include "segment/notes.h"

namespace mobula::refs {
namespace {

constexpr std::uint64_t kBusy = ~0ull;

}  // namespace

void EventLog::add(segment::Event event, ObjectName name, std::uint32_t site, std::uint64_t bytes,
                   std::uint32_t holder) const {
  segment::SegmentHeader &header = segment_.header();
  const std::uint64_t number = header.log_events.fetch_add(1, std::memory_order_relaxed) + 1;
  segment::LogRecord &record = segment_.log_record(number);
  std::uint64_t found = record.number.load(std::memory_order_relaxed);
  // Ours is older than what lies there, or somebody writes there: he was overtaken by a whole round, or has died.
  if (found == kBusy || found > number ||
      !record.number.compare_exchange_strong(found, kBusy, std::memory_order_acq_rel)) {
    header.log_lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  base::thread_fence(std::memory_order_release);  // a reader that finds a new word finds the place busy
  record.at_ns.store(static_cast<std::uint64_t>(base::monotonic_ns()), std::memory_order_relaxed);
  record.generation.store(name.generation, std::memory_order_relaxed);
  record.bytes.store(bytes, std::memory_order_relaxed);
  record.entry.store(name.entry, std::memory_order_relaxed);
  record.event.store(static_cast<std::uint32_t>(event), std::memory_order_relaxed);
  record.pid.store(pid_, std::memory_order_relaxed);
  record.site.store(site, std::memory_order_relaxed);
  record.holder.store(holder, std::memory_order_relaxed);
  record.number.store(number, std::memory_order_release);
}

std::vector<LoggedEvent> read_log(const segment::Segment &segment) {
  std::vector<LoggedEvent> events;
  if (segment.log_records() == 0) return events;
  const std::uint64_t last = segment.header().log_events.load(std::memory_order_acquire);
  const std::uint64_t kept = std::min<std::uint64_t>(last, segment.log_records());
  for (std::uint64_t number = last - kept + 1; number <= last; ++number) {
    const segment::LogRecord &record = segment.log_record(number);
    LoggedEvent event;
    event.number = number;
    const bool is_whole = segment::read_note(record, number, [&] {
      event.at_ns = record.at_ns.load(std::memory_order_relaxed);
      event.event = static_cast<segment::Event>(record.event.load(std::memory_order_relaxed));
      event.name = {record.entry.load(std::memory_order_relaxed), record.generation.load(std::memory_order_relaxed)};
      event.bytes = record.bytes.load(std::memory_order_relaxed);
      event.pid = record.pid.load(std::memory_order_relaxed);
      event.site = record.site.load(std::memory_order_relaxed);
      event.holder = record.holder.load(std::memory_order_relaxed);
    });
    if (is_whole) events.push_back(event);
  }
  return events;
}

}  // namespace mobula::refs
