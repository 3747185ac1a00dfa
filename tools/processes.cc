#include "tools/processes.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "objects/client_rows.h"
#include "tools/labels.h"

namespace mobula::tools {
namespace {

constexpr int kAncestorsMax = 64;
constexpr std::size_t kTitleBytesMax = 40;

ClientFacts read_client(const segment::Segment &segment, std::uint32_t id) {
  const segment::ClientSlot &slot = segment.client(id);
  ClientFacts facts;
  facts.client = id;
  facts.generation = slot.generation.load();
  facts.pid = objects::read_once(slot.pid);
  facts.kind = objects::read_once(slot.kind);
  facts.is_actor = slot.actor_entry_plus_1.load() != 0;
  facts.is_reaped = slot.reaping.load() != 0;
  facts.tasks_run = slot.tasks_run.load();
  // acquire: who sees the entry sees since when.
  const std::uint32_t entry_plus_1 = slot.task_entry_plus_1.load(std::memory_order_acquire);
  if (entry_plus_1 == 0) return facts;
  facts.task = RunningTask{{entry_plus_1 - 1, slot.task_generation.load()},
                           slot.task_site.load(),
                           static_cast<std::int64_t>(slot.task_since_ns.load())};
  return facts;
}

}  // namespace

std::vector<ClientFacts> read_clients(const segment::Segment &segment) {
  std::vector<ClientFacts> clients;
  const std::uint32_t end = std::min(segment.header().clients_reserved.load(), base::kClientsMax);
  for (std::uint32_t id = 1; id < end; ++id) clients.push_back(read_client(segment, id));
  return clients;
}

std::string kind_of(const ClientFacts &client) { return client.is_actor ? "actor" : segment::name_of(client.kind); }

std::string title_of(const ClientFacts &client) {
  const std::string kind = kind_of(client);
  std::string command = command_line(client.pid);
  if (command.empty()) return kind + ", ended";
  if (client.kind != segment::ClientKind::kDriver) return kind;  // the command line is the template's
  const std::size_t folder_end = command.substr(0, command.find(' ')).rfind('/');
  if (folder_end != std::string::npos) command.erase(0, folder_end + 1);
  if (command.size() > kTitleBytesMax) command = command.substr(0, kTitleBytesMax) + "...";
  return kind + ": " + command;
}

int parent_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  // The name may hold blanks and brackets: the last bracket ends it. Then come the state and the parent.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 4 > text.size()) return 0;
  return std::atoi(text.c_str() + name_end + 4);
}

bool descends_from(int pid, int ancestor) {
  for (int steps = 0; pid > 1 && steps < kAncestorsMax; ++steps, pid = parent_of(pid)) {
    if (pid == ancestor) return true;
  }
  return false;
}

std::vector<int> children_of(int pid) {
  std::vector<int> children;
  std::error_code gone;
  for (const auto &thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
    std::ifstream file(thread.path() / "children");
    for (int child = 0; file >> child;) children.push_back(child);
  }
  return children;
}

std::string printable(std::string_view text) {
  std::string clean(text);
  std::replace_if(
      clean.begin(), clean.end(), [](unsigned char letter) { return letter < 0x20 || letter == 0x7f; }, '?');
  return clean;
}

}  // namespace mobula::tools
