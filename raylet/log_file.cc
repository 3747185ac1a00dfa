#include "raylet/log_file.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

namespace mobula::raylet {

std::shared_ptr<spdlog::logger> open_log(const std::string &path, const std::string &level) {
  spdlog::sink_ptr sink;
  if (path.empty())
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  else
    sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, kLogBytesMax, kOlderLogsMax);
  auto logger = std::make_shared<spdlog::logger>("raylet", std::move(sink));
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  return logger;
}

}  // namespace mobula::raylet
