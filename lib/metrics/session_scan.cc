#include "metrics/session_scan.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "objects/client_rows.h"
#include "objects/history.h"
#include "tasks/claim.h"
#include "tasks/task_spec.h"

namespace mobula::metrics {
namespace {

using objects::read_once;
using segment::ClientKind;
using segment::ClientSlot;
using segment::EntryHeader;
using segment::Segment;
using tasks::Claim;

bool is_actor(const ClientSlot &slot) { return slot.actor_entry_plus_1.load(std::memory_order_acquire) != 0; }

// A copy, because its owner may be writing; verified by the decoder.
std::optional<tasks::TaskSpec> read_spec(const Segment &segment, const EntryHeader &header,
                                         std::vector<std::uint64_t> *copy) {
  const std::uint64_t size = read_once(header.size);
  const std::uint64_t offset = read_once(header.offset);
  const bool is_inline = offset == segment::kInlineOffset;
  if (size > base::kSpecBytesMax || (is_inline ? size > segment::kInlineBytes : !segment.contains(offset, size))) {
    return std::nullopt;
  }
  copy->resize(size / sizeof(std::uint64_t) + 1);
  std::memcpy(copy->data(), is_inline ? header.inline_bytes : segment.readable(offset), size);
  return tasks::decode_spec(std::as_bytes(std::span(*copy)).first(size));
}

}  // namespace

SessionScan::SessionScan(const Segment &segment)
    : segment_(segment), store_(segment, [this](std::uint32_t entry) { note_spec(entry); }) {}

bool SessionScan::step(std::uint64_t looks) { return store_.step(looks); }

// The raylet refers to the spec of each task that has not ended.
void SessionScan::note_spec(std::uint32_t entry) {
  const EntryHeader &header = segment_.entry(entry);
  if (header.raylet_refs.load(std::memory_order_acquire) == 0) return;
  const std::uint64_t claim = header.claim.load(std::memory_order_acquire);
  const std::uint64_t generation = refs::generation_of(header.state.load(std::memory_order_acquire));
  const std::uint32_t claimant = tasks::claimant_of(claim);
  // What an earlier tenant left says nothing.
  const bool is_claimed = claim == tasks::pack_claim(Claim::kRunning, claimant, generation) ||
                          claim == tasks::pack_claim(Claim::kCancelling, claimant, generation);
  if (!is_claimed)
    ++queued_;
  else if (!is_kept_for_restarts(header, claimant))
    ++running_;
}

// The task that made an actor has ended, but its spec may be needed again.
bool SessionScan::is_kept_for_restarts(const EntryHeader &spec, std::uint32_t claimant) {
  const std::uint32_t clients = objects::ScanLimits(segment_).clients;
  if (claimant >= clients || !is_actor(segment_.client(claimant))) return false;
  const std::optional<tasks::TaskSpec> decoded = read_spec(segment_, spec, &copy_);
  return decoded && decoded->creation.has_value();
}

void SessionScan::count_clients(SessionFigures *figures) const {
  const std::uint32_t clients = objects::ScanLimits(segment_).clients;
  for (std::uint32_t id = 1; id < clients; ++id) {
    const ClientSlot &slot = segment_.client(id);
    if (!objects::is_process(slot)) continue;
    if (read_once(slot.kind) == ClientKind::kDriver) {
      ++figures->drivers;
      continue;
    }
    const bool is_running = slot.task_entry_plus_1.load(std::memory_order_relaxed) != 0;
    ++(is_running ? figures->workers_running : figures->workers_idle);
    if (is_actor(slot)) ++figures->actors;
  }
}

SessionFigures SessionScan::figures() const {
  const segment::SegmentHeader &header = segment_.header();
  SessionFigures figures;
  figures.store = store_.stats();
  figures.reserved_bytes = std::min(header.data_reserved_bytes.load(), segment_.capacity_bytes());
  figures.references = store_.references();
  figures.unsealed_objects = store_.unsealed_objects();
  figures.oldest_reference_ns = store_.oldest_reference_ns();
  figures.tasks_queued = queued_;
  figures.tasks_running = running_;
  count_clients(&figures);
  figures.deaths = header.deaths.load(std::memory_order_acquire);
  for (const objects::DeathRecord &death : objects::read_deaths(segment_)) {
    const auto cause = static_cast<std::size_t>(death.cause);
    ++figures.recent_deaths[cause < kCauses ? cause : 0];
  }
  figures.log_places = segment_.log_records();
  figures.log_events = header.log_events.load(std::memory_order_relaxed);
  figures.log_lost = header.log_lost.load(std::memory_order_relaxed);
  figures.started_ns = header.started_ns;
  figures.waits_for_space = header.pressure.load(std::memory_order_relaxed) != 0;
  return figures;
}

SessionFigures read_session(const Segment &segment) {
  SessionScan scan(segment);
  while (scan.step(~0u)) {
  }
  return scan.figures();
}

}  // namespace mobula::metrics
