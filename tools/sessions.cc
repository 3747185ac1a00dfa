#include "tools/sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/file.h"
#include "wire/socket.h"

namespace mobula::tools {
namespace {

constexpr std::string_view kEmbeddedPrefix = "embedded-";

bool says_nothing(const char *environment) {
  return environment == nullptr || std::string_view(environment).empty() || std::string_view(environment) == "local";
}

}  // namespace

Status running_sessions(std::vector<std::string> *names) {
  std::string sessions;
  if (Status status = wire::sessions_folder(&sessions)) return status;
  std::error_code code;
  for (const auto &folder : std::filesystem::directory_iterator(sessions, code)) {
    base::File socket;
    if (wire::connect_to_path(wire::socket_path(folder.path().string()), &socket) != nullptr) continue;
    names->push_back(folder.path().filename().string());
  }
  std::sort(names->begin(), names->end());
  return nullptr;
}

Status choose_session(const std::string &given, const char *environment, const std::vector<std::string> &running,
                      std::string *session) {
  *session = session_to_start(given, environment);
  if (!given.empty() || !says_nothing(environment)) return nullptr;
  std::vector<std::string> candidates;
  for (const std::string &name : running) {
    if (!name.starts_with(kEmbeddedPrefix)) candidates.push_back(name);
  }
  if (candidates.empty() || std::find(candidates.begin(), candidates.end(), kDefaultSession) != candidates.end())
    return nullptr;
  if (candidates.size() > 1) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("several sessions are running ({}): choose one with --session "
                                     "or RAY_ADDRESS",
                                     fmt::join(candidates, ", ")));
  }
  *session = candidates[0];
  return nullptr;
}

std::string session_to_start(const std::string &given, const char *environment) {
  if (!given.empty()) return given;
  return says_nothing(environment) ? kDefaultSession : environment;
}

}  // namespace mobula::tools
