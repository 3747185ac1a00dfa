// Samples of what the session holds (objects/sampler.h): taken while the raylet is awake anyway.
#include "base/clock.h"
#include "raylet/raylet.h"
#include "segment/notes.h"

namespace mobula::raylet {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

void store_shares(const std::vector<objects::ShareRecord> &from, segment::Share (&to)[segment::kSharesPerSample]) {
  for (std::size_t i = 0; i < segment::kSharesPerSample; ++i) {
    const objects::ShareRecord share = i < from.size() ? from[i] : objects::ShareRecord{};
    to[i].id.store(share.id, kRelaxed);
    to[i].objects.store(share.objects, kRelaxed);
    to[i].bytes.store(share.bytes, kRelaxed);
  }
}

}  // namespace

// One step of a look that is due or under way. True: it has more steps.
bool Raylet::sample_some(std::uint64_t turns, Sampling when) {
  const bool is_under_way = entry_scan_.is_under_way();
  if (!sample_pace_.is_on() || (!is_under_way && turns == sampled_turns_)) return false;
  const std::int64_t began_ns = base::monotonic_ns();
  const bool may_begin =
      when == Sampling::kBeforeSleep ? sample_pace_.may_look(began_ns) : sample_pace_.is_due(began_ns);
  if (!is_under_way && !may_begin) return false;
  const bool is_through = entry_scan_.step();
  if (!is_through) {
    sample_pace_.add_cost(base::monotonic_ns() - began_ns);
    return true;
  }
  sampled_turns_ = turns;
  objects::SampleRecord sample = entry_scan_.finish();
  sample.freed = segment_->header().freed.load(kRelaxed);
  sample.evictions = segment_->header().evictions.load(kRelaxed);
  const TaskFigures tasks = tasks_.figures();
  sample.tasks_waiting = static_cast<std::uint32_t>(tasks.queued);
  sample.tasks_running = static_cast<std::uint32_t>(tasks.running);
  sample.at_ns = base::monotonic_ns();
  sample_pace_.add_cost(sample.at_ns - began_ns);
  write_sample(sample_pace_.finish(sample.at_ns), sample);
  return false;
}

void Raylet::write_sample(std::uint64_t number, const objects::SampleRecord &sample) {
  segment::Sample &to = segment_->sample(number);
  segment::write_note(to, number, [&] {
    to.at_ns.store(static_cast<std::uint64_t>(sample.at_ns), kRelaxed);
    to.used_bytes.store(sample.used_bytes, kRelaxed);
    to.objects.store(sample.objects, kRelaxed);
    to.references.store(sample.references, kRelaxed);
    to.freed.store(sample.freed, kRelaxed);
    to.evictions.store(sample.evictions, kRelaxed);
    to.tasks_waiting.store(sample.tasks_waiting, kRelaxed);
    to.tasks_running.store(sample.tasks_running, kRelaxed);
    store_shares(sample.sites, to.sites);
    store_shares(sample.holders, to.holders);
  });
  segment_->header().samples.store(number, std::memory_order_release);
}

}  // namespace mobula::raylet
