#include "objects/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "segment/notes.h"

namespace mobula::objects {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// The records `last - kept + 1` to `last` that are whole.
template <typename Record, typename Read>
std::vector<Record> read_all(std::uint64_t last, std::uint64_t kept_max, Read read) {
  std::vector<Record> records;
  const std::uint64_t kept = std::min(last, kept_max);
  for (std::uint64_t number = last - kept + 1; number <= last; ++number) {
    Record record;
    record.number = number;
    if (read(number, &record)) records.push_back(std::move(record));
  }
  return records;
}

std::int64_t time_in(const segment::Word &word) { return static_cast<std::int64_t>(word.load(kRelaxed)); }

void read_shares(const segment::Share (&from)[segment::kSharesPerSample], std::vector<ShareRecord> *to) {
  for (const segment::Share &share : from) {
    const std::uint32_t id = share.id.load(kRelaxed);
    if (id == 0) return;
    to->push_back({id, share.objects.load(kRelaxed), share.bytes.load(kRelaxed)});
  }
}

bool read_sample(const segment::Segment &segment, std::uint64_t number, SampleRecord *sample) {
  const segment::Sample &from = segment.sample(number);
  sample->number = number;
  return segment::read_note(from, number, [&] {
    sample->at_ns = time_in(from.at_ns);
    sample->used_bytes = from.used_bytes.load(kRelaxed);
    sample->objects = from.objects.load(kRelaxed);
    sample->references = from.references.load(kRelaxed);
    sample->freed = from.freed.load(kRelaxed);
    sample->evictions = from.evictions.load(kRelaxed);
    sample->tasks_waiting = from.tasks_waiting.load(kRelaxed);
    sample->tasks_running = from.tasks_running.load(kRelaxed);
    read_shares(from.sites, &sample->sites);
    read_shares(from.holders, &sample->holders);
  });
}

std::string signal_text(std::int32_t signal) {
  const char *const name = sigabbrev_np(signal);  // null for the real-time ones
  return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
}

}  // namespace

std::vector<DeathRecord> read_deaths(const segment::Segment &segment, std::uint64_t count_max) {
  const std::uint64_t last = segment.header().deaths.load(std::memory_order_acquire);
  const std::uint64_t kept_max = std::min<std::uint64_t>(count_max, base::kDeathsKept);
  return read_all<DeathRecord>(last, kept_max, [&](std::uint64_t number, DeathRecord *death) {
    const segment::Death &from = segment.death(number);
    return segment::read_note(from, number, [&] {
      death->ended_ns = time_in(from.ended_ns);
      death->task = {from.task_entry.load(kRelaxed), from.task_generation.load(kRelaxed)};
      death->task_site = from.task_site.load(kRelaxed);
      death->pid = from.pid.load(kRelaxed);
      death->client = from.client.load(kRelaxed);
      death->kind = static_cast<segment::ClientKind>(from.kind.load(kRelaxed));
      death->cause = static_cast<segment::DeathCause>(from.cause.load(kRelaxed));
      death->code = static_cast<std::int32_t>(from.code.load(kRelaxed));
      death->is_actor = from.is_actor.load(kRelaxed) != 0;
    });
  });
}

std::string describe(const DeathRecord &death) {
  using segment::DeathCause;
  switch (death.cause) {
    case DeathCause::kExited:
      return fmt::format("exit status {}", death.code);
    case DeathCause::kSignal:
      return "killed by " + signal_text(death.code);
    case DeathCause::kShutdown:
      return "left the session";
    case DeathCause::kCancelled:
      return "killed: its task was cancelled";
    case DeathCause::kDeadline:
      return "killed: the deadline of its task was over";
    case DeathCause::kMemory:
      return "killed by the kernel: no memory";
    case DeathCause::kKilled:
      return "killed by ray::Kill";
    case DeathCause::kActorEnded:
      return "its actor has ended";
    case DeathCause::kNotNeeded:
      return "ended: not needed any more";
    case DeathCause::kJobEnded:
      return "ended with its job";
    case DeathCause::kExpelled:
      return "killed: it broke the protocol";
    case DeathCause::kUnknown:
      break;
  }
  return "ended; only its parent knows how";
}

std::vector<ActivityRecord> read_activities(const segment::Segment &segment, std::uint32_t client) {
  const std::uint64_t last = segment.client(client).activities.load(std::memory_order_acquire);
  return read_all<ActivityRecord>(last, base::kActivitiesKept, [&](std::uint64_t number, ActivityRecord *activity) {
    const segment::Activity &from = segment.activity(client, number);
    return segment::read_note(from, number, [&] {
      activity->began_ns = time_in(from.began_ns);
      activity->ended_ns = time_in(from.ended_ns);
      activity->name = {from.entry.load(kRelaxed), from.generation.load(kRelaxed)};
      activity->kind = static_cast<segment::ActivityKind>(from.kind.load(kRelaxed));
      activity->end = static_cast<segment::ActivityEnd>(from.end.load(kRelaxed));
      activity->site = from.site.load(kRelaxed);
      activity->pid = from.pid.load(kRelaxed);
    });
  });
}

std::vector<SampleRecord> read_samples(const segment::Segment &segment) {
  const std::uint64_t last = segment.header().samples.load(std::memory_order_acquire);
  return read_all<SampleRecord>(last, base::kSamplesKept, [&](std::uint64_t number, SampleRecord *sample) {
    SampleRecord again;
    // The newest may be written anew under its number: then the second reading, after the fence that ends the first,
    // differs from a first one that saw parts of both.
    return read_sample(segment, number, sample) && read_sample(segment, number, &again) && again == *sample;
  });
}

}  // namespace mobula::objects
