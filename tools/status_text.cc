#include "tools/status_text.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using nlohmann::json;

json part(const json &status, const char *name) { return status.contains(name) ? status[name] : json(); }

std::uint64_t number(const json &group, const char *name) {
  return group.is_object() && group.contains(name) && group[name].is_number() ? group[name].get<std::uint64_t>() : 0;
}

std::string word(const json &group, const char *name) {
  return group.is_object() && group.contains(name) && group[name].is_string() ? group[name].get<std::string>() : "";
}

std::string session_line(const json &status) {
  const json raylet = part(status, "raylet");
  const json embedded = part(raylet, "embedded");
  return fmt::format("Session   {}, raylet pid {}, up to {} at a time{}\n", word(status, "session"),
                     number(raylet, "pid"), format_count(number(raylet, "workers"), "task"),
                     embedded.is_boolean() && embedded.get<bool>() ? ", embedded in a program" : "") +
         (number(raylet, "metrics_port") == 0
              ? ""
              : fmt::format("Metrics   http://127.0.0.1:{}/metrics\n", number(raylet, "metrics_port")));
}

std::string store_lines(const json &store) {
  const std::uint64_t used_bytes = number(store, "used_bytes");
  const std::uint64_t capacity_bytes = number(store, "capacity_bytes");
  const double percent =
      capacity_bytes == 0 ? 0 : 100 * static_cast<double>(used_bytes) / static_cast<double>(capacity_bytes);
  return fmt::format("Store     {} of {} used ({:.1f} %), {} ready for new objects\n", base::format_bytes(used_bytes),
                     base::format_bytes(capacity_bytes), percent, base::format_bytes(number(store, "pooled_bytes"))) +
         fmt::format("Objects   {}: {} referenced, {} pinned, {} retained, {} evictable; so far {} freed, {} evicted\n",
                     format_count(number(store, "objects")), format_count(number(store, "referenced_objects")),
                     format_count(number(store, "pinned_objects")), format_count(number(store, "retained_objects")),
                     format_count(number(store, "evictable_objects")), format_count(number(store, "freed")),
                     format_count(number(store, "evictions")));
}

std::string actors_line(const json &status) {
  const std::uint64_t actors = number(status, "actors");
  return actors == 0 ? "" : fmt::format("Actors    {}\n", format_count(actors));
}

std::string tasks_line(const json &tasks) {
  return fmt::format("Tasks     {} queued, {} running, {} finished, {} failed\n", format_count(number(tasks, "queued")),
                     format_count(number(tasks, "running")), format_count(number(tasks, "finished")),
                     format_count(number(tasks, "failed")));
}

std::string workers_line(const json &workers) {
  std::map<std::string, std::uint64_t> states;
  for (const json &worker : workers) ++states[word(worker, "state")];
  std::string text = fmt::format("Workers   {}", format_count(workers.size()));
  const char *separator = ": ";
  for (const auto &[state, count] : states) {
    text += fmt::format("{}{} {}", separator, format_count(count), state);
    separator = ", ";
  }
  return text + "\n";
}

std::string templates_line(const json &templates) {
  std::string text = fmt::format("Templates {}", format_count(templates.size()));
  const char *separator = ": ";
  for (const json &one : templates) {
    const json ready = part(one, "ready");
    const bool is_starting = ready.is_boolean() && !ready.get<bool>();
    text += fmt::format("{}pid {} ({}{})", separator, number(one, "pid"), word(one, "program"),
                        is_starting ? ", starting" : "");
    separator = ", ";
  }
  return text + "\n";
}

std::string clients_table(const json &status) {
  const json clients = part(status, "clients");
  if (clients.empty()) return "Clients   0\n";
  std::map<std::uint64_t, std::string> states;
  for (const json &worker : part(status, "workers")) states[number(worker, "pid")] = word(worker, "state");
  Table table({{"PID", Table::Side::kRight}, {"KIND"}, {"STATE"}, {"OBJECTS HELD", Table::Side::kRight}});
  for (const json &client : clients) {
    const std::uint64_t pid = number(client, "pid");
    const auto state = states.find(pid);
    table.add({std::to_string(pid), word(client, "kind"), state == states.end() ? "-" : state->second,
               format_count(number(client, "objects_held"))});
  }
  return fmt::format("Clients   {}\n", format_count(clients.size())) + table.text(2);
}

}  // namespace

std::string status_text(const json &status) {
  return session_line(status) + store_lines(part(status, "store")) + tasks_line(part(status, "tasks")) +
         actors_line(status) + templates_line(part(status, "templates")) + workers_line(part(status, "workers")) +
         clients_table(status);
}

}  // namespace mobula::tools
