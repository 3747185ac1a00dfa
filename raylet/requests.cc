// Requests of drivers and tools over the control socket.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "metrics/families.h"
#include "raylet/raylet.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kSettleTurnsMax = 256;

}  // namespace

void Raylet::on_message(const std::shared_ptr<Connection> &connection, wire::Message message) {
  if (std::holds_alternative<wire::Goodbye>(message)) return on_goodbye(connection);
  if (std::holds_alternative<wire::StopRequest>(message)) {
    stop_requested_by_ = connection;
    return stop(fmt::format("process {} asked for it", connection->peer_pid()));
  }
  settle_everything();
  if (std::holds_alternative<wire::StatusRequest>(message)) return connection->send(wire::StatusReply{status_json()});
  if (std::holds_alternative<wire::HoldersRequest>(message)) {
    return connection->send(
        wire::HoldersReply{store_.describe_holders([this](std::uint32_t id) { return clients_.describe(id); })});
  }
  if (const auto *request = std::get_if<wire::DeleteRequest>(&message))
    return connection->send(delete_object(*request));
  if (const auto *request = std::get_if<wire::PinRequest>(&message)) return connection->send(pin_object(*request));
  if (const auto *request = std::get_if<wire::PublishRequest>(&message)) return connection->send(publish(*request));
  if (const auto *request = std::get_if<wire::UnpublishRequest>(&message))
    return connection->send(wire::UnpublishReply{store_.unpublish(request->name)});
  if (const auto *request = std::get_if<wire::EvictRequest>(&message)) return connection->send(evict(*request));
  if (std::holds_alternative<wire::CollectRequest>(message)) return connection->send(collect());
  if (const auto *request = std::get_if<wire::FindActorRequest>(&message))
    return connection->send(find_actor(connection, *request));
  if (std::holds_alternative<wire::NamespaceRequest>(message)) {
    const Client *const client = client_at(connection);
    return connection->send(wire::NamespaceReply{client == nullptr ? "" : namespace_of(Tasks::job_of(*client))});
  }
  if (const auto *request = std::get_if<wire::CancelRequest>(&message)) return connection->send(cancel(*request));
  if (const auto *request = std::get_if<wire::GroupsRequest>(&message))
    return connection->send(answer_groups(connection, *request));
  refuse(connection, "a message came that the raylet does not expect here");
}

void Raylet::serve_metrics(base::File listener) {
  metrics_.emplace(loop_, std::move(listener), *segment_, [this](metrics::SessionFigures figures) {
    const TaskFigures tasks = tasks_.figures();
    figures.raylet = {tasks.finished, tasks.failed};
    return metrics::text_of(figures, {options_.session, base::monotonic_ns(), base::wall_ns()});
  });
}

// Figures are exact only when nothing lies unread in a ring and no candidate waits. Bounded: clients that never stop
// must not keep us from our sockets.
void Raylet::settle_everything() {
  for (std::uint32_t turns = 0; turns < kSettleTurnsMax && turn();) ++turns;
}

std::string Raylet::status_json() {
  const StoreFigures store = store_.figures();
  const TaskFigures tasks = tasks_.figures();
  const std::vector<std::uint64_t> held = store_.held_counts();
  nlohmann::json status;
  status["session"] = options_.session;
  status["raylet"] = {{"pid", getpid()}, {"workers", options_.workers}, {"embedded", options_.embedded}};
  if (options_.metrics_port) status["raylet"]["metrics_port"] = *options_.metrics_port;
  status["store"] = {{"capacity_bytes", store.capacity_bytes},
                     {"used_bytes", store.used_bytes},
                     {"pooled_bytes", store.pooled_bytes},
                     {"objects", store.objects},
                     {"referenced_objects", store.referenced_objects},
                     {"pinned_objects", store.pinned_objects},
                     {"retained_objects", store.retained_objects},
                     {"evictable_objects", store.evictable_objects},
                     {"evictions", store.evictions},
                     {"evicted_bytes", store.evicted_bytes},
                     {"names", store.names},
                     {"free_bytes", store.free_bytes},
                     {"largest_free_bytes", store.largest_free_bytes},
                     {"freed", store.freed},
                     {"retired_entries", store.retired_entries}};
  status["tasks"] = {
      {"queued", tasks.queued}, {"running", tasks.running}, {"finished", tasks.finished}, {"failed", tasks.failed}};
  status["actors"] = tasks.actors;
  status["resources"] = nlohmann::json::parse(resources_json());
  const objects::ReapFigures reaps = reaper_.figures();
  status["reaps"] = {
      {"count", reaps.count}, {"p50_us", reaps.p50_us}, {"p99_us", reaps.p99_us}, {"max_us", reaps.max_us}};
  status["templates"] = nlohmann::json::array();
  for (const auto &[number, one] : templates_.all()) {
    if (one->pid != 0)
      status["templates"].push_back({{"pid", one->pid}, {"program", one->name}, {"ready", one->connection != nullptr}});
  }
  status["workers"] = nlohmann::json::array();
  status["clients"] = nlohmann::json::array();
  for (const std::uint32_t id : clients_.ids()) {
    const Client &client = *clients_.find(id);
    if (client.reaping) continue;
    status["clients"].push_back(
        {{"pid", client.pid}, {"kind", segment::name_of(client.kind)}, {"objects_held", held[id]}});
    if (client.kind != segment::ClientKind::kWorker) continue;
    const char *const state = client.stopped           ? "stopped"
                              : client.blocked         ? "blocked"
                              : client.offered.empty() ? "idle"
                                                       : "busy";
    status["workers"].push_back({{"pid", client.pid}, {"state", state}, {"queued", client.offered.size()}});
  }
  // Names of programs may hold any bytes.
  return status.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

wire::DeleteReply Raylet::delete_object(const wire::DeleteRequest &request) {
  const refs::ObjectName name{request.entry, request.generation};
  if (!store_.is_named(name)) return {false, "the object is gone"};
  store_.suggest(request.entry);
  settle_everything();
  if (!store_.is_named(name)) return {true, "deleted"};
  return {false, "somebody still refers to it"};
}

wire::CancelReply Raylet::cancel(const wire::CancelRequest &request) {
  const Status status = tasks_.cancel({request.entry, request.generation}, request.force);
  if (status == nullptr) return {};
  return {static_cast<std::uint32_t>(status->code), status->message};
}

wire::PinReply Raylet::pin_object(const wire::PinRequest &request) {
  const refs::ObjectName name{request.entry, request.generation};
  if (!store_.is_named(name)) return {false, "the object is gone: its last reference was dropped"};
  const bool changed = request.pin ? store_.pin(name) : store_.unpin(name);
  if (changed) return {true, request.pin ? "pinned" : "unpinned"};
  return {false, request.pin ? "the session has pinned it already, or it is still being written"
                             : "the session has not pinned it"};
}

}  // namespace mobula::raylet
