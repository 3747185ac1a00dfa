#include "worker/environment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

namespace mobula::worker {
namespace {

constexpr const char *kDevicesVariable = "CUDA_VISIBLE_DEVICES";

Status refused(const std::string &why) {
  return base::failure(Code::kInvalidArgument, "the runtime environment of the task cannot be set up: " + why);
}

std::string list_of(std::uint64_t bits) {
  std::string list;
  for (int device = 0; bits >> device != 0; ++device) {
    if ((bits >> device & 1) != 0) list += (list.empty() ? "" : ",") + std::to_string(device);
  }
  return list;
}

void put(const std::string &name, const std::optional<std::string> &value) {
  if (value)
    setenv(name.c_str(), value->c_str(), 1);
  else
    unsetenv(name.c_str());
}

}  // namespace

Status Environment::enter(const std::string &runtime_env, std::uint64_t device_bits) {
  if (device_bits != 0) set(kDevicesVariable, list_of(device_bits));
  if (runtime_env.empty()) return nullptr;
  Status status = read(runtime_env);
  if (status != nullptr) leave();
  return status;
}

Status Environment::read(const std::string &runtime_env) {
  const nlohmann::json fields = nlohmann::json::parse(runtime_env, nullptr, false);
  if (!fields.is_object()) return refused("it is no JSON object: " + runtime_env);
  std::string folder;
  for (const auto &[name, value] : fields.items()) {
    if (name == "working_dir" && value.is_string()) {
      folder = value.get<std::string>();
    } else if (name == "env_vars" && value.is_object()) {
      for (const auto &[variable, text] : value.items()) {
        if (!text.is_string() || variable.empty() || variable.find('=') != std::string::npos) {
          return refused(fmt::format("the variable '{}' has no name or no text as its value", variable));
        }
        set(variable, text.get<std::string>());
      }
    } else {
      return refused(fmt::format("the field {} is not understood: env_vars and working_dir are", name));
    }
  }
  return folder.empty() ? nullptr : enter_folder(folder);
}

Status Environment::enter_folder(const std::string &folder) {
  folder_before_ = base::File(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (chdir(folder.c_str()) == 0) return nullptr;
  const int code = errno;
  folder_before_.reset();
  return refused(fmt::format("working_dir {}: {}", folder, std::strerror(code)));
}

void Environment::set(const std::string &name, const std::string &value) {
  const char *const before = std::getenv(name.c_str());
  before_.emplace_back(name, before == nullptr ? std::nullopt : std::optional<std::string>(before));
  put(name, value);
}

void Environment::leave() {
  // Backwards: a variable may have been set twice.
  for (auto one = before_.rbegin(); one != before_.rend(); ++one) put(one->first, one->second);
  before_.clear();
  // The folder may be gone by now: then we stay where we are.
  if (folder_before_) static_cast<void>(fchdir(folder_before_.get()) == 0);
  folder_before_.reset();
}

void Environment::keep() {
  before_.clear();
  folder_before_.reset();
}

}  // namespace mobula::worker
