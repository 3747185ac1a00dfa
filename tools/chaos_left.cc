#include "tools/chaos_left.h"

#include <fmt/format.h>

#include <algorithm>

#include "objects/client_rows.h"
#include "segment/sites.h"
#include "tools/memory_rows.h"
#include "tools/processes.h"

namespace mobula::tools {
namespace {

using segment::Segment;

bool is_actor(const Segment &segment, const MemoryRow &row) {
  return objects::read_once(segment.entry(row.name.entry).kind) == segment::Kind::kActor;
}

bool has_holders(const MemoryRow &row) { return !row.holders.empty(); }

// Retained, or an actor that only the session itself keeps: a detached one.
bool is_asked_for(const Segment &segment, const MemoryRow &row) {
  if (has_holders(row)) return false;
  return row.retained != 0 || is_actor(segment, row);
}

// Where the client took its handle: its row knows.
std::string site_of_row(const Segment &segment, std::uint32_t client, const refs::ObjectName &name) {
  std::uint32_t site = 0;
  const std::uint64_t reserved_bytes = segment.header().rows_reserved_bytes.load(std::memory_order_acquire);
  const segment::ClientSlot &slot = segment.client(client);
  const std::uint32_t chunks = std::min(objects::read_once(slot.row_chunks), base::kRowChunksMax);
  for (std::uint32_t chunk = 0; chunk < chunks && reserved_bytes <= base::kRowPoolBytes; ++chunk) {
    const std::uint64_t offset = objects::read_once(slot.row_offsets[chunk]);
    const std::uint32_t count = refs::rows_in_chunk(chunk);
    if (!objects::are_rows(segment, offset, sizeof(segment::Row) * count, reserved_bytes)) continue;
    const segment::Row *const rows = segment.rows(offset);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (rows[i].entry_plus_1.load() == name.entry + 1 && rows[i].generation.load() == name.generation)
        site = objects::read_once(rows[i].site);
    }
  }
  return segment::describe(segment::read_site(segment, site));
}

LeftHolder holder_of(const Segment &segment, const Holder &holder, const refs::ObjectName &name) {
  LeftHolder left{holder.pid, segment::name_of(holder.kind), "", ""};
  if (holder.client == 0) return left;
  const std::uint32_t clients = std::min(segment.header().clients_reserved.load(), base::kClientsMax);
  if (holder.client >= clients) return left;
  if (segment.client(holder.client).actor_entry_plus_1.load() != 0) left.kind = "actor";
  left.command = command_line_of(holder.pid);
  left.site = site_of_row(segment, holder.client, name);
  return left;
}

LeftObject describe(const Segment &segment, const MemoryRow &row) {
  LeftObject left;
  left.id = row.id;
  left.state = refs::name_of(row.state);
  left.bytes = row.size_bytes;
  left.age_ms = row.age_ms;
  left.creator_pid = row.creator_pid;
  left.site = segment::describe(segment::read_site(segment, objects::read_once(segment.entry(row.name.entry).site)));
  for (const Holder &holder : row.holders) left.holders.push_back(holder_of(segment, holder, row.name));
  if (row.task_references != 0) {
    left.why = "used by a task";
  } else if (row.captured_references != 0) {
    left.why = "contained in an object";
  } else if (row.holders.empty()) {
    left.why = "not freed yet";
  }
  return left;
}

}  // namespace

Left find_left(const Segment &segment, std::int64_t now_ns) {
  const std::vector<MemoryRow> rows = read_rows(segment, now_ns);
  const bool some_asked =
      std::any_of(rows.begin(), rows.end(), [&](const MemoryRow &row) { return is_asked_for(segment, row); });
  Left left;
  for (const MemoryRow &row : rows) {
    // What an object that was to be kept contains is kept with it.
    const bool is_contained =
        some_asked && !has_holders(row) && row.task_references == 0 && row.captured_references != 0;
    if (is_contained || is_asked_for(segment, row)) {
      ++left.asked_objects;
      left.asked_bytes += row.size_bytes;
    } else {
      left.objects.push_back(describe(segment, row));
      left.bytes += row.size_bytes;
    }
  }
  return left;
}

}  // namespace mobula::tools
