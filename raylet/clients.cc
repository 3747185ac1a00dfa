#include "raylet/clients.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "base/crash_points.h"
#include "refs/row_table.h"

namespace mobula::raylet {
namespace {

constexpr std::uint64_t kPoolsShareOfCapacity = 8;

}  // namespace

Clients::Clients(segment::Segment &segment)
    : segment_(segment), row_space_(base::kRowPoolBytes), clients_(base::kClientsMax), resting_(base::kClientsMax) {}

std::uint32_t Clients::free_id() const {
  for (std::uint32_t id = 1; id < base::kClientsMax; ++id) {
    if (!clients_[id] && !resting_[id]) return id;
  }
  return 0;
}

bool Clients::take_rows(Client &client) {
  const auto chunk = static_cast<std::uint32_t>(client.row_offsets.size());
  const std::uint64_t bytes = sizeof(segment::Row) * refs::rows_in_chunk(chunk);
  const std::optional<objects::Extent> extent = row_space_.allocate(bytes);
  if (!extent) return false;
  const std::uint64_t high_water_bytes = row_space_.high_water_bytes();
  if (high_water_bytes > rows_reserved_bytes_) {
    const std::uint64_t missing_bytes = high_water_bytes - rows_reserved_bytes_;
    if (segment_.reserve(segment_.regions().rows + rows_reserved_bytes_, missing_bytes) != nullptr) {
      static_cast<void>(row_space_.release(*extent));
      row_space_.trim();
      return false;
    }
    rows_reserved_bytes_ = high_water_bytes;
    segment_.header().rows_reserved_bytes.store(high_water_bytes, std::memory_order_release);
  }
  const std::uint64_t offset = segment_.regions().rows + extent->offset;
  segment::Row *const rows = segment_.rows(offset);
  for (std::uint32_t i = 0; i < refs::rows_in_chunk(chunk); ++i) new (&rows[i]) segment::Row{};
  client.row_offsets.push_back(offset);
  segment::ClientSlot &shared = slot(client);
  shared.row_offsets[chunk] = offset;
  shared.row_chunks = chunk + 1;
  return true;
}

// All clients together keep no more than this share of the store in their pools.
void Clients::set_pool_bytes_max() {
  const std::uint64_t clients = std::max<std::uint64_t>(ids_.size(), 1);
  segment_.header().pool_bytes_max.store(segment_.capacity_bytes() / kPoolsShareOfCapacity / clients);
}

Status Clients::attach(segment::ClientKind kind, pid_t pid, Client **client) {
  const std::uint32_t id = free_id();
  if (id == 0) {
    return base::failure(Code::kLimitReached,
                         fmt::format("the session has its limit of {} processes", base::kClientsMax - 1));
  }
  if (Status status = segment_.reserve_client(id)) return status;
  segment::ClientSlot &slot = segment_.client(id);
  // The bell is never reset: a late ring for the id's last tenant may still come.
  slot.sleepers.store(0);
  slot.room_waiters.store(0);
  slot.hints_lost.store(0);
  slot.expelled.store(0);
  slot.reaping.store(0);
  slot.hits.store(0);
  slot.misses.store(0);
  slot.task_entry_plus_1.store(0);
  slot.actor_entry_plus_1.store(0);
  slot.tasks_run.store(0);
  for (segment::RingControl *ring : {&slot.to_raylet, &slot.grants, &slot.offers}) {
    ring->tail.store(0);
    ring->head.store(0);
  }
  slot.row_chunks = 0;
  slot.pid = static_cast<std::uint32_t>(pid);
  slot.kind = kind;
  slot.generation.store(std::max(slot.generation.load() + 1, 1u));  // 0 means never given out, also after a wrap
  auto attached = std::make_unique<Client>();
  attached->id = id;
  attached->kind = kind;
  attached->pid = pid;
  if (!take_rows(*attached)) {
    return base::failure(Code::kLimitReached, "no room for the handle table of another process");
  }
  segment::ClientRings &rings = segment_.rings(id);
  attached->inbox = segment::RingConsumer(&slot.to_raylet, rings.to_raylet, base::kRingSlots);
  attached->grants = segment::RingProducer(&slot.grants, rings.grants, base::kGrantSlots);
  attached->offers = segment::RingProducer(&slot.offers, rings.offers, base::kOfferSlots);
  base::crash_point(base::CrashPoint::kRayletAttached);
  *client = attached.get();
  clients_[id] = std::move(attached);
  ids_.push_back(id);
  set_pool_bytes_max();
  return nullptr;
}

Client *Clients::find_pid(pid_t pid) {
  for (const std::uint32_t id : ids_) {
    if (clients_[id]->pid == pid && !clients_[id]->reaping) return clients_[id].get();
  }
  return nullptr;
}

void Clients::detach(Client &client) {
  segment::ClientSlot &slot = segment_.client(client.id);
  for (std::uint32_t chunk = 0; chunk < client.row_offsets.size(); ++chunk) {
    const std::uint64_t bytes = sizeof(segment::Row) * refs::rows_in_chunk(chunk);
    static_cast<void>(row_space_.release({client.row_offsets[chunk] - segment_.regions().rows, bytes}));
  }
  // Added to the sum before they are taken off the client.
  segment_.header().hits_of_gone.fetch_add(slot.hits.load(std::memory_order_relaxed), std::memory_order_relaxed);
  segment_.header().misses_of_gone.fetch_add(slot.misses.load(std::memory_order_relaxed), std::memory_order_relaxed);
  slot.row_chunks = 0;
  slot.kind = segment::ClientKind::kNone;
  slot.pid = 0;
  base::crash_point(base::CrashPoint::kRayletDetached);
  const std::uint32_t id = client.id;
  std::erase(ids_, id);
  set_pool_bytes_max();
  if (client.connection) client.connection->close();
  clients_[id].reset();
  resting_[id] = true;
}

bool Clients::add_rows(Client &client, std::uint64_t *offset, std::uint32_t *chunk) {
  *chunk = static_cast<std::uint32_t>(client.row_offsets.size());
  if (*chunk >= base::kRowChunksMax || !take_rows(client)) return false;
  *offset = client.row_offsets.back();
  return true;
}

std::string Clients::describe(std::uint32_t id) {
  const Client *const client = find(id);
  if (client == nullptr) return fmt::format("client {}", id);
  if (client->kind == segment::ClientKind::kWorker) return fmt::format("pid {} (worker)", client->pid);
  return fmt::format("pid {} (driver {})", client->pid, client->arguments.empty() ? "" : client->arguments[0]);
}

}  // namespace mobula::raylet
