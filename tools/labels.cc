#include "tools/labels.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "refs/object_id.h"
#include "tasks/task_spec.h"
#include "tools/json_writer.h"

namespace mobula::tools {
namespace {

constexpr std::size_t kCommandBytesMax = 4096;

}  // namespace

bool is_alive(std::uint32_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line)) return false;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= line.size()) return false;
  const char state = line[name_end + 2];
  return state != 'Z' && state != 'X';
}

std::string command_line(std::uint32_t pid) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", pid), std::ios::binary);
  std::string text(kCommandBytesMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (!text.empty() && text.back() == '\0') text.pop_back();
  for (char &letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '\0')
      letter = ' ';
    else if (code < 0x20 || code == 0x7f)
      letter = '?';
  }
  return text;
}

Labels::Labels(const segment::Segment &segment, const tasks::Holdings &holdings)
    : segment_(segment), holdings_(holdings) {
  for (std::uint32_t client = 1; client < holdings.processes.size(); ++client) {
    const tasks::Process &process = holdings.processes[client];
    if (process.kind != segment::ClientKind::kNone) clients_[process.pid] = client;
  }
}

const Labels::Site &Labels::site(std::uint32_t number) {
  const auto [at, is_new] = sites_.try_emplace(number);
  Site &site = at->second;
  if (!is_new) return site;
  site.parts = segment::read_site(segment_, number);
  site.text = segment::describe(site.parts);
  site.json = site.parts_json = site.function_json = "null";
  if (site.text.empty()) return site;
  site.json = json_text(site.text);
  site.function_json = json_text(site.parts.function);
  site.parts_json = fmt::format("{{\"text\": {}, \"file\": {}, \"line\": {}, \"function\": {}}}", site.json,
                                json_text(site.parts.file), site.parts.line, site.function_json);
  return site;
}

// The table of sites has the names of all functions that ran.
void Labels::read_functions() {
  for (std::uint32_t number = 1; number <= base::kSitesMax; ++number) {
    const segment::SiteCopy site = segment::read_site(segment_, number);
    if (site.kind != segment::SiteKind::kTask && site.kind != segment::SiteKind::kArgument) continue;
    functions_[tasks::function_number(site.function)] = site.function;
  }
}

const std::string &Labels::function(std::uint64_t number) {
  if (functions_.empty()) read_functions();
  const auto [at, is_new] = functions_.try_emplace(number);
  if (is_new) at->second = fmt::format("function {:#x}", number);
  return at->second;
}

const std::string &Labels::command(std::uint32_t pid) {
  const auto [at, is_new] = commands_.try_emplace(pid);
  if (is_new) at->second = command_line(pid);
  return at->second;
}

std::uint32_t Labels::client_of(std::uint32_t pid) const {
  const auto at = clients_.find(pid);
  return at == clients_.end() ? 0 : at->second;
}

std::string Labels::id(const refs::ObjectName &name) const {
  static constexpr char kDigits[] = "0123456789abcdef";
  const std::string id = refs::encode_id(holdings_.epoch, name);
  std::string digits(2 * refs::kObjectIdBytes, '0');
  for (std::size_t i = 0; i < refs::kObjectIdBytes; ++i) {
    digits[2 * i] = kDigits[static_cast<unsigned char>(id[i]) >> 4];
    digits[2 * i + 1] = kDigits[static_cast<unsigned char>(id[i]) & 15];
  }
  return digits;
}

}  // namespace mobula::tools
