// ray/api/flags.h: Ray's command line flags, applied to a RayConfig.
//   Threads    reentrant
//   Errors     RayException naming the flag and what it takes
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ray/api/config.h"
#include "ray/api/exceptions.h"

namespace ray {
namespace internal {

// The parts of `text` between separators, without the empty ones.
inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    if (end != 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parts;
}

inline ActorLifetime parse_lifetime(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (text == "detached") return ActorLifetime::DETACHED;
  if (text == "non_detached") return ActorLifetime::NON_DETACHED;
  throw RayException("--ray_default_actor_lifetime must be `detached` or `non_detached`, not `" + text + "`");
}

// Flags of Ray's that mean something to its own processes only.
inline bool is_ignored_flag(std::string_view name) {
  static constexpr std::string_view kIgnored[] = {"ray_job_id",
                                                  "ray_runtime_env_hash",
                                                  "ray_node_ip_address",
                                                  "ray_node_manager_port",
                                                  "ray_raylet_socket_name",
                                                  "ray_plasma_store_socket_name",
                                                  "ray_session_dir",
                                                  "ray_logs_dir",
                                                  "ray_worker_id"};
  return std::find(std::begin(kIgnored), std::end(kIgnored), name) != std::end(kIgnored);
}

inline void apply_head_args(const std::string &value, RayConfig &config) {
  for (std::string &word : split(value, ' ')) config.head_args.push_back(std::move(word));
}

using ApplyFlag = void (*)(const std::string &value, RayConfig &config);

// Null when Ray has no such flag.
inline ApplyFlag find_flag(std::string_view name) {
  if (name == "ray_address") return [](const std::string &value, RayConfig &config) { config.address = value; };
  if (name == "ray_redis_username") return [](const std::string &v, RayConfig &config) { config.redis_username_ = v; };
  if (name == "ray_redis_password") return [](const std::string &v, RayConfig &config) { config.redis_password_ = v; };
  if (name == "ray_code_search_path") {
    return [](const std::string &value, RayConfig &config) { config.code_search_path = split(value, ':'); };
  }
  if (name == "ray_head_args") return apply_head_args;
  if (name == "ray_default_actor_lifetime") {
    return [](const std::string &value, RayConfig &config) { config.default_actor_lifetime = parse_lifetime(value); };
  }
  if (name == "ray_job_namespace") return [](const std::string &v, RayConfig &config) { config.ray_namespace = v; };
  if (name == "ray_runtime_env") {
    return [](const std::string &v, RayConfig &config) { config.runtime_env = RuntimeEnv::Deserialize(v); };
  }
  if (is_ignored_flag(name)) return [](const std::string &, RayConfig &) {};
  return nullptr;
}

// Ray's flags, as --ray_address=NAME or --ray_address NAME, override the config; an empty value changes nothing.
// Whatever else stands there is the program's own.
inline void apply_flags(int argc, char **argv, RayConfig &config) {
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--") return;
    const std::size_t dashes = argument.find_first_not_of('-');
    if (dashes != 1 && dashes != 2) continue;
    argument.remove_prefix(dashes);
    const std::size_t equals = argument.find('=');
    const ApplyFlag apply = find_flag(argument.substr(0, equals));
    if (apply == nullptr) continue;
    std::string value;
    if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < argc) {
      value = argv[++i];
    }
    if (!value.empty()) apply(value, config);
  }
}

}  // namespace internal
}  // namespace ray
