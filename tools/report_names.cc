#include "tools/report_names.h"

#include <fmt/chrono.h>

#include <algorithm>

#include "base/clock.h"
#include "objects/client_rows.h"
#include "segment/sites.h"
#include "tools/labels.h"

namespace mobula::tools {
namespace {

using objects::read_once;
using segment::Segment;
using segment::SiteCopy;
using segment::SiteKind;

constexpr std::size_t kCommandBytesMax = 200;

}  // namespace

std::string short_site(const Segment &segment, std::uint32_t number) {
  SiteCopy site = segment::read_site(segment, number);
  if (site.kind == SiteKind::kLine) site.file = site.file.substr(site.file.rfind('/') + 1);
  return segment::describe(site);
}

std::string whole_site(const Segment &segment, std::uint32_t number) {
  return segment::describe(segment::read_site(segment, number));
}

std::string function_of(const Segment &segment, std::uint32_t number) {
  const SiteCopy site = segment::read_site(segment, number);
  return site.kind == SiteKind::kTask ? site.function : short_site(segment, number);
}

ClientName client_name(const Segment &segment, std::uint32_t client) {
  if (client == 0 || client >= clients_end(segment)) return {};
  const segment::ClientSlot &slot = segment.client(client);
  const segment::ClientKind kind = read_once(slot.kind);
  if (kind != segment::ClientKind::kDriver && kind != segment::ClientKind::kWorker) return {};
  const bool is_actor = slot.actor_entry_plus_1.load(std::memory_order_acquire) != 0;
  return {read_once(slot.pid), is_actor ? "actor" : name_of(kind), slot.reaping.load() != 0};
}

std::uint32_t clients_end(const Segment &segment) {
  return std::min(segment.header().clients_reserved.load(std::memory_order_acquire), base::kClientsMax);
}

std::string short_command(std::uint32_t pid) {
  const std::string text = command_line(pid);
  return text.size() <= kCommandBytesMax ? text : text.substr(0, kCommandBytesMax) + "...";
}

std::string utc_text(std::int64_t wall_ns) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(wall_ns / base::kNanosecondsPerSecond));
}

}  // namespace mobula::tools
