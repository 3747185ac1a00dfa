// ray/api/runtime.h: Init, IsInitialized, Shutdown.
//   Threads    Init may be called by any thread; Shutdown while no other thread is inside a call
//   Errors     RayException naming what was asked and what to change
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mobula/runtime.h"
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

inline void apply_flag(std::string_view name, std::string_view value, RayConfig &config) {
  if (name == "ray_address") config.address = value;
  if (name == "ray_code_search_path") config.code_search_path = split(value, ':');
  if (name == "ray_head_args") config.head_args = split(value, ' ');
  if (name == "ray_job_namespace") config.ray_namespace = value;
}

// Ray's command line flags, as --ray_address=NAME or --ray_address NAME, override the config. The program's own
// arguments are left alone.
inline void apply_flags(int argc, char **argv, RayConfig &config) {
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--") return;
    const std::size_t dashes = argument.find_first_not_of('-');
    if (dashes != 1 && dashes != 2) continue;
    argument.remove_prefix(dashes);
    if (argument.substr(0, 4) != "ray_") continue;
    const std::size_t equals = argument.find('=');
    if (equals != std::string_view::npos) {
      apply_flag(argument.substr(0, equals), argument.substr(equals + 1), config);
    } else if (i + 1 < argc) {
      apply_flag(argument, argv[++i], config);
    }
  }
}

}  // namespace internal

// Starts or joins a session. A repeated Init without Shutdown does nothing.
inline void Init(const RayConfig &config, int argc, char **argv) {
  RayConfig wanted = config;
  internal::apply_flags(argc, argv, wanted);
  mobula::runtime::Options options;
  options.address = std::move(wanted.address);
  options.local_mode = wanted.local_mode;
  options.head_args = std::move(wanted.head_args);
  options.code_search_path = std::move(wanted.code_search_path);
  internal::throw_unless_ok(mobula::runtime::init(options));
}
inline void Init(const RayConfig &config) { Init(config, 0, nullptr); }
inline void Init() { Init(RayConfig()); }

// True between Init and Shutdown, and inside workers.
inline bool IsInitialized() { return mobula::runtime::is_initialized(); }

// Leaves the session, and ends it when Init started it. Does nothing when there is none; Init may follow.
inline void Shutdown() { mobula::runtime::shutdown(); }

}  // namespace ray
