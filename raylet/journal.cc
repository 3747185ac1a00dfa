#include "raylet/journal.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/units.h"
#include "refs/object_id.h"
#include "segment/sites.h"

namespace mobula::raylet {
namespace {

using base::counted;
using base::format_bytes;
using segment::DeathCause;

bool is_fault(const objects::DeathRecord &death) {
  // Whoever sends SIGKILL or SIGTERM knows of it.
  const bool is_sent = death.code == SIGKILL || death.code == SIGTERM;
  return death.cause == DeathCause::kMemory || death.cause == DeathCause::kExpelled ||
         (death.cause == DeathCause::kSignal && !is_sent);
}

}  // namespace

void Journal::session_begins(const Options &options) const {
  std::string text =
      fmt::format("session {} begins: raylet pid {}, {} at a time, object store of {}, layout {} {:08x}", session_,
                  getpid(), counted(options.workers, "task"), format_bytes(store_.segment().capacity_bytes()),
                  segment::kLayoutVersion, segment::layout_fingerprint());
  if (options.gpus != 0) text += ", " + counted(options.gpus, "GPU");
  if (options.log_records != 0) text += ", reference log of " + counted(options.log_records, "event");
  if (options.metrics_port) text += fmt::format(", metrics at 127.0.0.1:{}", *options.metrics_port);
  if (options.embedded) text += ", embedded in a program";
  spdlog::info(text);
}

void Journal::session_ends(const std::string &why) const {
  const segment::SegmentHeader &header = store_.segment().header();
  spdlog::info("session {} ends: {}; {} freed, {} evicted, {} ended before", session_, why,
               counted(header.freed.load(std::memory_order_relaxed), "object"),
               header.evictions.load(std::memory_order_relaxed),
               counted(header.deaths.load(std::memory_order_relaxed), "client"));
}

void Journal::client_joins(const Client &client) const {
  spdlog::info("client {} joins: {}", client.id, clients_.describe(client.id));
}

// "in make_batch, for object 7f3a..."; "" when it ran nothing.
std::string Journal::text_of_task(const objects::DeathRecord &death) const {
  if (death.task.entry == segment::kNoEntry) return "";
  const segment::Segment &segment = store_.segment();
  const std::string where = segment::describe(segment::read_site(segment, death.task_site));
  return fmt::format(", {}, for object {}", where.empty() ? "in a task" : where,
                     refs::digits_of(refs::encode_id(segment.header().epoch, death.task)));
}

void Journal::client_ends(const Client &client) const {
  const std::vector<objects::DeathRecord> newest = objects::read_deaths(store_.segment(), 1);
  if (newest.empty()) return;
  const objects::DeathRecord &death = newest.back();
  spdlog::log(is_fault(death) ? spdlog::level::warn : spdlog::level::info, "client {} ends: {}{}: {}{}", client.id,
              clients_.describe(client.id), death.is_actor ? " of an actor" : "", objects::describe(death),
              text_of_task(death));
}

void Journal::client_is_cleared(const Client &client) const {
  spdlog::info("client {} is cleared: pid {}, {} given back", client.id, client.pid,
               counted(store_.take_references_cleared(), "reference"));
}

void Journal::evicted(const Freed &freed) {
  evicted_.objects += freed.objects;
  evicted_.bytes += freed.bytes;
}

void Journal::write_evictions(std::int64_t now_ns) {
  if (!has_evictions() || !eviction_pace_.lets_through(now_ns)) return;
  spdlog::info("eviction pass: {} freed, {}; {} of {} in use", counted(evicted_.objects, "object"),
               format_bytes(evicted_.bytes), format_bytes(store_.used_bytes()),
               format_bytes(store_.segment().capacity_bytes()));
  evicted_ = {};
}

void Journal::space_is_short(std::uint32_t client, std::uint64_t bytes, std::int64_t now_ns) {
  if (!space_pace_.lets_through(now_ns)) return;
  const bool can_help = bytes <= store_.free_bytes() + store_.evictable_bytes();
  spdlog::log(can_help ? spdlog::level::info : spdlog::level::warn,
              "client {} waits for space: {}, {}; {} of {} free, {} in retained objects", client,
              clients_.describe(client), format_bytes(bytes), format_bytes(store_.free_bytes()),
              format_bytes(store_.segment().capacity_bytes()), format_bytes(store_.evictable_bytes()));
}

}  // namespace mobula::raylet
