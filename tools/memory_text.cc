#include "tools/memory_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/clock.h"
#include "base/units.h"
#include "tools/json_writer.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using tasks::Holdings;
using tasks::Object;

constexpr std::size_t kCommandColumns = 60;

// Milliseconds before the look; -1: unknown.
std::int64_t age_ms(const Holdings &holdings, std::int64_t since_ns) {
  if (since_ns == 0) return -1;
  return std::max<std::int64_t>(holdings.read_ns - since_ns, 0) / base::kNanosecondsPerMillisecond;
}

std::string age_text(std::int64_t age) { return age < 0 ? "-" : format_age(age); }

const char *process_of(const ReferenceRow &row) { return row.pid == 0 ? "-" : name_of(row.process); }

std::string or_dash(const std::string &text) { return text.empty() ? "-" : text; }

std::string command_of(Labels &labels, std::uint32_t pid) {
  if (pid == 0) return "-";
  std::string text = or_dash(labels.command(pid));
  if (text.size() > kCommandColumns) text = text.substr(0, kCommandColumns - 3) + "...";
  return text;
}

std::vector<std::string> cells_of(const MemoryView &view, const ReferenceRow &row) {
  const Object &object = view.holdings->objects[row.object];
  return {row.pid == 0 ? "-" : std::to_string(row.pid),
          process_of(row),
          or_dash(view.labels->site(row.site).text),
          name_of(object.state),
          base::format_bytes(object.size_bytes),
          name_of(row.type),
          view.labels->id(object.name),
          age_text(age_ms(*view.holdings, object.created_ns)),
          row.handles == 0 ? "-" : format_count(row.handles),
          command_of(*view.labels, row.pid)};
}

std::string rows_text(const MemoryView &view) {
  Table table({{"PID", Table::Side::kRight},
               {"TYPE"},
               {"CALL SITE"},
               {"STATUS"},
               {"SIZE", Table::Side::kRight},
               {"REFERENCE"},
               {"OBJECT ID"},
               {"AGE", Table::Side::kRight},
               {"HANDLES", Table::Side::kRight},
               {"COMMAND"}});
  for (std::size_t i = 0; i < view.rows.size() && i < view.limit; ++i) table.add(cells_of(view, view.rows[i]));
  return table.text();
}

// --- groups ---------------------------------------------------------------------------------------------------------

struct Group {
  std::uint64_t objects = 0;
  std::uint64_t references = 0;
  std::uint64_t handles = 0;
  std::uint64_t bytes = 0;  // each object once
  std::uint32_t last_object = 0xffffffffu;
};
using NamedGroup = std::pair<std::string, Group>;

std::string group_of(const MemoryView &view, const ReferenceRow &row) {
  switch (*view.group_by) {
    case GroupBy::kSite:
      return or_dash(view.labels->site(row.site).text);
    case GroupBy::kPid:
      return row.pid == 0 ? "-" : fmt::format("{} {}", row.pid, process_of(row));
    case GroupBy::kType:
      break;
  }
  return name_of(row.type);
}

// The rows of an object lie beside each other again.
std::vector<NamedGroup> groups_of(const MemoryView &view) {
  std::vector<ReferenceRow> rows = view.rows;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const ReferenceRow &a, const ReferenceRow &b) { return a.object < b.object; });
  std::map<std::uint64_t, Group> by_key;
  std::map<std::uint64_t, const ReferenceRow *> first;
  for (const ReferenceRow &row : rows) {
    const std::uint64_t key = *view.group_by == GroupBy::kSite  ? row.site
                              : *view.group_by == GroupBy::kPid ? row.pid
                                                                : static_cast<std::uint64_t>(row.type);
    Group &group = by_key[key];
    first.try_emplace(key, &row);
    ++group.references;
    group.handles += row.handles;
    if (std::exchange(group.last_object, row.object) == row.object) continue;
    ++group.objects;
    group.bytes += view.holdings->objects[row.object].size_bytes;
  }
  std::vector<NamedGroup> groups;
  for (const auto &[key, group] : by_key) groups.emplace_back(group_of(view, *first[key]), group);
  std::stable_sort(groups.begin(), groups.end(), [](const NamedGroup &a, const NamedGroup &b) {
    return std::pair(b.second.bytes, b.second.references) < std::pair(a.second.bytes, a.second.references);
  });
  return groups;
}

std::string groups_text(const MemoryView &view, const std::vector<NamedGroup> &groups) {
  const char *const title = *view.group_by == GroupBy::kSite  ? "CALL SITE"
                            : *view.group_by == GroupBy::kPid ? "PROCESS"
                                                              : "REFERENCE";
  Table table({{"SIZE", Table::Side::kRight},
               {"OBJECTS", Table::Side::kRight},
               {"REFERENCES", Table::Side::kRight},
               {"HANDLES", Table::Side::kRight},
               {title}});
  for (std::size_t i = 0; i < groups.size() && i < view.limit; ++i) {
    const auto &[name, group] = groups[i];
    table.add({base::format_bytes(group.bytes), format_count(group.objects), format_count(group.references),
               format_count(group.handles), name});
  }
  return table.text();
}

// --- totals ---------------------------------------------------------------------------------------------------------

std::array<std::uint64_t, kReferenceTypes> counts_of(const std::vector<ReferenceRow> &rows) {
  std::array<std::uint64_t, kReferenceTypes> counts{};
  for (const ReferenceRow &row : rows) ++counts[static_cast<std::size_t>(row.type)];
  return counts;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return text;
}

// What adds up to the kernel's number, and that, under stable keys.
std::array<std::pair<const char *, std::uint64_t>, 6> parts_of(const objects::Footprint &footprint) {
  return {{{"objects", footprint.blocks_bytes},
           {"pooled", footprint.pooled_bytes},
           {"free", footprint.free_bytes},
           {"tables", footprint.tables_bytes},
           {"kernel", footprint.kernel_bytes},
           {"capacity", footprint.capacity_bytes}}};
}

void totals_json(const MemoryView &view, JsonWriter &json) {
  json.line().key("totals").begin_object();
  json.key("objects").number(view.holdings->objects.size());
  json.key("bytes").number(object_bytes(*view.holdings));
  const auto counts = counts_of(view.rows);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    json.key(lower(name_of(static_cast<ReferenceType>(i)))).number(counts[i]);
  }
  json.end_object();
  footprint_json(view.holdings->footprint, json);
}

// --- rows as JSON ---------------------------------------------------------------------------------------------------

void number_or_null(JsonWriter &json, std::int64_t value, bool is_known) {
  if (is_known)
    json.signed_number(value);
  else
    json.null();
}

void row_json(const MemoryView &view, const ReferenceRow &row, JsonWriter &json) {
  const Object &object = view.holdings->objects[row.object];
  json.line().begin_object();
  json.key("pid");
  number_or_null(json, row.pid, row.pid != 0);
  json.key("process");
  if (row.pid == 0)
    json.null();
  else
    json.word(name_of(row.process));
  json.key("call_site").raw(view.labels->site(row.site).json);
  json.key("status").word(name_of(object.state));
  json.key("size_bytes").number(object.size_bytes);
  json.key("reference").word(name_of(row.type));
  json.key("object_id").word(view.labels->id(object.name));
  const std::int64_t age = age_ms(*view.holdings, object.created_ns);
  json.key("age_ms");
  number_or_null(json, age, age >= 0);
  const std::int64_t held = age_ms(*view.holdings, row.since_ns);
  json.key("held_ms");
  number_or_null(json, held, held >= 0);
  json.key("handles").number(row.handles);
  json.key("created_at").raw(view.labels->site(object.site).json);
  json.key("creator_pid");
  number_or_null(json, object.creator_pid, object.creator_pid != 0);
  json.end_object();
}

void processes_json(const MemoryView &view, JsonWriter &json) {
  json.line().key("processes").begin_list();
  for (const tasks::Process &process : view.holdings->processes) {
    if (process.kind == segment::ClientKind::kNone) continue;
    json.line().begin_object();
    json.key("pid").number(process.pid);
    json.key("kind").text(name_of(process.kind));
    json.key("command").text(view.labels->command(process.pid));
    json.end_object();
  }
  json.end_list();
}

}  // namespace

std::string ledger_line(const objects::Footprint &footprint) {
  const std::uint64_t total_bytes = footprint.total_bytes();
  const std::string verdict =
      total_bytes == footprint.kernel_bytes
          ? "equal"
          : fmt::format("{} are being reserved", base::format_bytes(footprint.kernel_bytes - total_bytes));
  return fmt::format("Bytes: objects {} + pooled {} + free {} + tables {} = {}; the kernel has {}: {}\n",
                     format_count(footprint.blocks_bytes), format_count(footprint.pooled_bytes),
                     format_count(footprint.free_bytes), format_count(footprint.tables_bytes),
                     format_count(total_bytes), format_count(footprint.kernel_bytes), verdict);
}

void footprint_json(const objects::Footprint &footprint, JsonWriter &json) {
  json.line().key("bytes").begin_object();
  for (const auto &[name, bytes] : parts_of(footprint)) json.key(name).number(bytes);
  json.end_object();
}

std::uint64_t object_bytes(const Holdings &holdings) {
  std::uint64_t bytes = 0;
  for (const Object &object : holdings.objects) bytes += object.size_bytes;
  return bytes;
}

std::string memory_text(const MemoryView &view) {
  std::string text =
      fmt::format("Session {}: {}, {}\n", view.session, format_count(view.holdings->objects.size(), "object"),
                  base::format_bytes(object_bytes(*view.holdings))) +
      ledger_line(view.holdings->footprint);
  const std::vector<NamedGroup> groups = view.group_by ? groups_of(view) : std::vector<NamedGroup>();
  const std::size_t lines = view.group_by ? groups.size() : view.rows.size();
  if (lines == 0 || view.limit == 0) return text;
  text += view.group_by ? groups_text(view, groups) : rows_text(view);
  if (lines > view.limit) {
    text += fmt::format("... and {} more (--limit N shows more, --json all)\n", format_count(lines - view.limit));
  }
  return text;
}

std::string memory_stats(const MemoryView &view) {
  std::string text = fmt::format("objects={} bytes={}", view.holdings->objects.size(), object_bytes(*view.holdings));
  const auto counts = counts_of(view.rows);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    text += fmt::format(" {}={}", lower(name_of(static_cast<ReferenceType>(i))), counts[i]);
  }
  for (const auto &[name, bytes] : parts_of(view.holdings->footprint)) text += fmt::format(" {}_bytes={}", name, bytes);
  return text + "\n";
}

void memory_json(const MemoryView &view, bool stats_only, std::ostream &output) {
  JsonWriter json(output);
  json.begin_object();
  json.key("session").text(view.session);
  totals_json(view, json);
  if (!stats_only) {
    processes_json(view, json);
    json.line().key(view.group_by ? "groups" : "references").begin_list();
    if (view.group_by) {
      for (const auto &[name, group] : groups_of(view)) {
        json.line().begin_object();
        json.key("group").text(name);
        json.key("objects").number(group.objects);
        json.key("references").number(group.references);
        json.key("handles").number(group.handles);
        json.key("bytes").number(group.bytes);
        json.end_object();
      }
    } else {
      for (const ReferenceRow &row : view.rows) row_json(view, row, json);
    }
    json.end_list();
  }
  json.end_object();
  json.finish();
}

}  // namespace mobula::tools
