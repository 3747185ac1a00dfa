#include "raylet/serve.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>

#include "raylet/log_file.h"
#include "raylet/raylet.h"
#include "wire/socket.h"

namespace mobula::raylet {
namespace {

// Tells whoever started us: a '+' and perhaps a notice, or the words of the error.
void tell(int pipe, const Status &status, const std::string &notice) {
  const std::string text = status == nullptr ? kReady + notice : status->message;
  static_cast<void>(!write(pipe, text.data(), text.size()));
  close(pipe);
}

void refuse_driver(int socket, const std::string &why) {
  if (socket >= 0) static_cast<void>(wire::send(socket, wire::Refused{why}));
}

}  // namespace

int serve(Service service, int ready_pipe) {
  std::unique_ptr<SessionFolder> folder;
  std::unique_ptr<segment::Segment> segment;
  base::File metrics_listener;
  std::string notice;
  Status status = SessionFolder::create(service.options.session, &folder);
  if (status == nullptr) {
    status = segment::Segment::create(service.options.memory_bytes, &segment, &notice, service.options.log_records);
  }
  if (status == nullptr && service.options.metrics_port) {
    std::uint16_t &port = *service.options.metrics_port;
    status = listen_for_metrics(port, &metrics_listener, &port);
  }
  if (status != nullptr) {
    refuse_driver(service.options.driver_socket, status->message);
    if (ready_pipe >= 0)
      tell(ready_pipe, status, notice);
    else if (!service.options.embedded)
      std::cerr << "mobula-raylet: " << status->message << "\n";
    return 1;
  }
  if (!notice.empty() && ready_pipe < 0) std::cerr << "mobula-raylet: " << notice << "\n";
  spdlog::set_default_logger(open_log(service.foreground ? "" : folder->log_path(), service.log_level));
  Raylet raylet(service.options, std::move(segment), std::move(folder));
  if (metrics_listener) raylet.serve_metrics(std::move(metrics_listener));
  raylet.on_ready([&](Status ready) {
    if (ready_pipe >= 0)
      tell(ready_pipe, ready, notice);
    else if (ready != nullptr)
      std::cerr << "mobula-raylet: " << ready->message << "\n";
  });
  return raylet.run();
}

}  // namespace mobula::raylet
