// raylet/log_file.h: the file that the raylet logs to, and how large it gets.
//   Crash      each line of level info and above is with the kernel when the call returns
//   Errors     a line that cannot be written is lost; spdlog says so on the error output
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>

namespace mobula::raylet {

constexpr std::size_t kLogBytesMax = 1u << 20;  // of one file
constexpr std::size_t kOlderLogsMax = 2;        // raylet.1.log is the newer one; what is older still is removed

// A logger to that file, "" for the error output. `level`: debug, info, warning or error.
std::shared_ptr<spdlog::logger> open_log(const std::string &path, const std::string &level);

}  // namespace mobula::raylet
