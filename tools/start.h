// tools/start.h: starts the raylet of a new session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace mobula::tools {

struct StartOptions {
  std::string session;
  std::optional<std::uint32_t> workers;  // none: the raylet's default
  std::string memory;                    // "" = the raylet's default
  std::vector<std::string> libraries;
  std::optional<std::uint32_t> gpus;
  std::string resources;                      // "" = none besides CPU and GPU
  std::optional<std::uint16_t> metrics_port;  // none: metrics are not served; 0: at any free port
  std::optional<std::uint32_t> log_records;   // of the reference log; none: what MOBULA_REF_LOG says, else no log
};

// The program that is the raylet: MOBULA_RAYLET, else beside this program, else of the same build folder, else on PATH.
std::string raylet_program();
// The raylet's command line. Pure, but for the current folder that relative library paths start from.
std::vector<std::string> raylet_command(const std::string &program, const StartOptions &options);

// Returns when the session can be used. What the raylet has to say goes to the error output.
// When the raylet refuses, it has said there why.
Status start_raylet(const StartOptions &options);

}  // namespace mobula::tools
