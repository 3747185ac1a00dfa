#include "tools/memory_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/units.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using nlohmann::json;

// The words of Ray's memory listing.
constexpr const char *kLocalReference = "LOCAL_REFERENCE";
constexpr const char *kPinned = "PINNED_IN_MEMORY";
constexpr const char *kUsedByTask = "USED_BY_PENDING_TASK";
constexpr const char *kCaptured = "CAPTURED_IN_OBJECT";
// And of Mobula's own, for what is no reference and keeps an object all the same.
constexpr std::pair<segment::Retained, const char *> kRetained[] = {{segment::Retained::kNamed, "NAMED"},
                                                                    {segment::Retained::kWeak, "WEAKLY_HELD"},
                                                                    {segment::Retained::kAsked, "RETAINED"}};

std::vector<std::string> references_of(const Holder &holder) {
  std::vector<std::string> names;
  if (holder.holds) names.emplace_back(kLocalReference);
  if (holder.pins) names.emplace_back(kPinned);
  return names;
}

std::vector<std::string> references_of(const MemoryRow &row) {
  bool held = false;
  bool pinned = false;
  for (const Holder &holder : row.holders) {
    held |= holder.holds;
    pinned |= holder.pins;
  }
  std::vector<std::string> names;
  if (held) names.emplace_back(kLocalReference);
  if (pinned) names.emplace_back(kPinned);
  if (row.task_references != 0) names.emplace_back(kUsedByTask);
  if (row.captured_references != 0) names.emplace_back(kCaptured);
  for (const auto &[why, name] : kRetained) {
    if (has(row.retained, why)) names.emplace_back(name);
  }
  return names;
}

std::string holders_text(const std::vector<Holder> &holders) {
  std::string text;
  for (const Holder &holder : holders) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", holder.pid, name_of(holder.kind));
  }
  return text.empty() ? "-" : text;
}

std::uint64_t total_bytes(const std::vector<MemoryRow> &rows) {
  std::uint64_t bytes = 0;
  for (const MemoryRow &row : rows) bytes += row.size_bytes;
  return bytes;
}

std::vector<std::string> cells_of(const MemoryRow &row) {
  const std::string references = fmt::format("{}", fmt::join(references_of(row), ", "));
  return {row.id,
          base::format_bytes(row.size_bytes),
          name_of(row.state),
          row.age_ms < 0 ? "-" : format_age(row.age_ms),
          row.creator_pid == 0 ? "-" : std::to_string(row.creator_pid),
          holders_text(row.holders),
          references.empty() ? "-" : references};
}

json json_of(const MemoryRow &row) {
  json holders = json::array();
  for (const Holder &holder : row.holders) {
    holders.push_back({{"pid", holder.pid}, {"kind", name_of(holder.kind)}, {"references", references_of(holder)}});
  }
  return {{"id", row.id},
          {"size_bytes", row.size_bytes},
          {"state", name_of(row.state)},
          {"age_ms", row.age_ms < 0 ? json() : json(row.age_ms)},
          {"creator_pid", row.creator_pid == 0 ? json() : json(row.creator_pid)},
          {"references", references_of(row)},
          {"task_references", row.task_references},
          {"captured_references", row.captured_references},
          {"holders", std::move(holders)}};
}

}  // namespace

std::string memory_text(const std::string &session, const std::vector<MemoryRow> &rows, std::size_t limit) {
  std::string text = fmt::format("Session {}: {}, {}\n", session, format_count(rows.size(), "object"),
                                 base::format_bytes(total_bytes(rows)));
  if (rows.empty() || limit == 0) return text;
  Table table({{"OBJECT ID"},
               {"SIZE", Table::Side::kRight},
               {"STATE"},
               {"AGE", Table::Side::kRight},
               {"CREATOR", Table::Side::kRight},
               {"HELD BY"},
               {"REFERENCES"}});
  for (std::size_t i = 0; i < rows.size() && i < limit; ++i) table.add(cells_of(rows[i]));
  text += table.text();
  if (rows.size() > limit) {
    text += fmt::format("... and {} more (--limit N shows more, --json all)\n", format_count(rows.size() - limit));
  }
  return text;
}

json memory_json(const std::string &session, const std::vector<MemoryRow> &rows) {
  json objects = json::array();
  for (const MemoryRow &row : rows) objects.push_back(json_of(row));
  return {{"session", session},
          {"totals", {{"objects", rows.size()}, {"bytes", total_bytes(rows)}}},
          {"objects", std::move(objects)}};
}

}  // namespace mobula::tools
