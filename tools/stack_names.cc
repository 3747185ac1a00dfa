#include "tools/stack_names.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "tools/child_process.h"
#include "tools/processes.h"

namespace mobula::tools {
namespace {

constexpr std::size_t kAddressesMax = 2000;  // of one module: they are words of a command line
constexpr std::size_t kOutputBytesMax = 4u << 20;
constexpr std::size_t kFunctionBytesMax = 100;  // of a name: those of templates have no end

using Names = std::map<Frame, std::string>;

std::string read_text(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<Module> find_in_processes(const std::string &name, const std::vector<int> &pids) {
  for (const int pid : pids) {
    if (std::optional<Module> found = find_module(read_text(fmt::format("/proc/{}/maps", pid)), name)) return found;
  }
  return std::nullopt;
}

// A program that is not position-independent knows its addresses as they are in memory.
bool has_fixed_addresses(const std::string &path) {
  Elf64_Ehdr header{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char *>(&header), sizeof header);
  return file && header.e_type == ET_EXEC;
}

std::vector<std::string> lines_of(const std::string &text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// Two lines for each address: function, place.
void name_frames(const Module &module, const std::vector<Frame> &frames, Names *names) {
  ChildOptions options;
  options.command = {"addr2line", "-f", "-C", "-e", module.path};
  options.with_errors = false;
  const std::uint64_t base = has_fixed_addresses(module.path) ? module.begin : 0;
  // The call is the instruction before the one to which it returns.
  for (const Frame &frame : frames) options.command.push_back(fmt::format("{:#x}", base + frame.offset - 1));
  ChildProcess child;
  if (ChildProcess::start(options, &child) != nullptr) return;
  const std::vector<std::string> lines = lines_of(child.read_all_output(kOutputBytesMax));
  for (std::size_t i = 0; i < frames.size() && 2 * i + 1 < lines.size(); ++i) {
    const std::string name = frame_name(lines[2 * i], lines[2 * i + 1]);
    if (!name.empty()) (*names)[frames[i]] = name;
  }
}

// What lies between the user's line and ours says nothing to him.
bool is_ours(const std::string &name) { return name.find("ray::internal::") != std::string::npos; }

// Frames without a name stay as they are; "" when none has one.
std::string name_stack(const std::string &stack, const Names &names) {
  std::string text;
  bool is_any_named = false;
  for (const Frame &frame : parse_frames(stack)) {
    const auto found = names.find(frame);
    is_any_named |= found != names.end();
    if (found != names.end() && is_ours(found->second)) continue;
    text += text.empty() ? "" : " < ";
    text += found != names.end() ? found->second : fmt::format("{}+{:x}", frame.module, frame.offset);
  }
  return is_any_named && !text.empty() ? text : "";
}

}  // namespace

std::vector<Frame> parse_frames(std::string_view stack) {
  std::vector<Frame> frames;
  for (std::size_t at = 0; at < stack.size();) {
    const std::size_t end = std::min(stack.find(' ', at), stack.size());
    const std::string_view word = stack.substr(at, end - at);
    at = end + 1;
    const std::size_t plus = word.rfind('+');
    if (plus == std::string_view::npos || plus == 0) continue;
    Frame frame{std::string(word.substr(0, plus)), 0};
    const char *const last = word.data() + word.size();
    const auto [stop, code] = std::from_chars(word.data() + plus + 1, last, frame.offset, 16);
    if (code == std::errc() && stop == last) frames.push_back(std::move(frame));
  }
  return frames;
}

std::optional<Module> find_module(std::string_view maps, std::string_view name) {
  for (std::size_t at = 0; at < maps.size();) {
    const std::size_t end = std::min(maps.find('\n', at), maps.size());
    const std::string_view line = maps.substr(at, end - at);
    at = end + 1;
    const std::size_t path = line.find('/');
    if (path == std::string_view::npos || line.substr(line.rfind('/') + 1) != name) continue;
    Module module{std::string(line.substr(path)), 0};
    std::from_chars(line.data(), line.data() + line.size(), module.begin, 16);
    return module;
  }
  return std::nullopt;
}

std::string frame_name(std::string_view function, std::string_view place) {
  const std::string_view file = place.substr(0, place.find(" (discriminator"));
  const bool knows_function = !function.empty() && function != "??";
  const bool knows_place = !file.empty() && !file.starts_with("??");
  const std::string_view short_file = file.substr(file.rfind('/') == std::string_view::npos ? 0 : file.rfind('/') + 1);
  std::string name(function.substr(0, kFunctionBytesMax));
  if (name.size() < function.size()) name += "...";
  if (knows_function && knows_place) return printable(fmt::format("{} at {}", name, short_file));
  if (knows_function) return printable(name);
  return knows_place ? printable(short_file) : "";
}

std::map<std::string, std::string> name_stacks(const std::set<std::string> &stacks, const std::vector<int> &pids) {
  std::map<std::string, std::set<Frame>> by_module;
  for (const std::string &stack : stacks) {
    for (Frame &frame : parse_frames(stack)) {
      std::set<Frame> &frames = by_module[frame.module];
      if (frames.size() < kAddressesMax) frames.insert(std::move(frame));
    }
  }
  Names names;
  for (const auto &[name, frames] : by_module) {
    if (const std::optional<Module> module = find_in_processes(name, pids))
      name_frames(*module, {frames.begin(), frames.end()}, &names);
  }
  std::map<std::string, std::string> named;
  for (const std::string &stack : stacks) {
    if (std::string text = name_stack(stack, names); !text.empty()) named[stack] = std::move(text);
  }
  return named;
}

}  // namespace mobula::tools
