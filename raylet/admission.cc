// Who comes in: the first message of every connection.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "raylet/raylet.h"
#include "tasks/task_spec.h"

namespace mobula::raylet {
namespace {

constexpr std::size_t kDriverFiles = 3;         // executable, output, error output
constexpr std::size_t kNameBytesMax = 256;      // of a driver's program, as reports show it
constexpr std::uint32_t kStartFailuresMax = 8;  // workers of one template in a row that end before they are ready
constexpr std::size_t kWorkerFiles = 2;         // reading ends of its output and error pipes

}  // namespace

void Raylet::serve(base::File socket, bool is_own_driver) {
  auto connection = std::make_shared<Connection>(loop_, std::move(socket));
  if (connection->peer_uid() != geteuid()) return refuse(connection, "the session belongs to another user");
  // Weak: the handlers are part of the connection. Until hello it keeps itself alive by its pending read.
  connection->set_handlers(
      [this, weak = std::weak_ptr(connection)](wire::Message message, Files files) {
        const std::shared_ptr<Connection> self = weak.lock();
        if (!self) return;
        if (auto *hello = std::get_if<wire::Hello>(&message))
          return on_hello(self, std::move(*hello), std::move(files));
        on_message(self, std::move(message));
      },
      [this, is_own_driver](const std::string &) {
        if (is_own_driver) stop("its program ended before it said hello");
      });
  if (is_own_driver) own_connection_ = connection;
  connection->start();
}

void Raylet::refuse(const std::shared_ptr<Connection> &connection, const std::string &why) {
  spdlog::warn("process {} is refused: {}", connection->peer_pid(), why);
  connection->send(wire::Refused{why});
  connection->close();
  if (connection == own_connection_) stop("its program was refused");
}

void Raylet::on_hello(const std::shared_ptr<Connection> &connection, wire::Hello hello, Files files) {
  if (hello.layout_version != segment::kLayoutVersion || hello.layout_fingerprint != segment::layout_fingerprint()) {
    return refuse(connection,
                  fmt::format("this session runs another build of Mobula (layout {} {:08x}, the program has {} "
                              "{:08x}): restart the session or rebuild the program",
                              segment::kLayoutVersion, segment::layout_fingerprint(), hello.layout_version,
                              hello.layout_fingerprint));
  }
  switch (hello.role) {
    case wire::Role::kDriver:
      return admit_driver(connection, std::move(hello), std::move(files));
    case wire::Role::kWorker:
      return admit_worker(connection, hello, std::move(files));
    case wire::Role::kTemplate:
      return admit_template(connection, hello);
    case wire::Role::kTool:
      return admit_tool(connection);
  }
  refuse(connection, "the hello names no known role");
}

void Raylet::welcome(Client &client, const std::shared_ptr<Connection> &connection) {
  client.connection = connection;
  connection->set_handlers(
      [this, weak = std::weak_ptr(connection)](wire::Message message, const Files &) {
        if (const std::shared_ptr<Connection> self = weak.lock()) on_message(self, std::move(message));
      },
      [this, id = client.id](const std::string &why) { on_connection_closed(id, why); });
  if (!watch(client)) {
    refuse(connection, "the raylet has no descriptor left to watch another process");
    return clients_.detach(client);
  }
  life_->add(&clients_.slot(client).life);
  connection->send(wire::Welcome{client.id, static_cast<std::int32_t>(getpid()), options_.session},
                   {segment_->descriptor(), event_.native_handle()});
  journal_.client_joins(client);
}

// False: it cannot be watched, so it cannot be let in.
bool Raylet::watch(Client &client) {
  client.pidfd = ProcessWatch::start(loop_, client.pid, [this, id = client.id] { on_process_ended(id); });
  return client.pidfd != nullptr;
}

void Raylet::admit_driver(const std::shared_ptr<Connection> &connection, wire::Hello hello, Files files) {
  if (files.size() != kDriverFiles) return refuse(connection, "a driver's hello needs three descriptors");
  Client *client = nullptr;
  if (Status status = clients_.attach(segment::ClientKind::kDriver, connection->peer_pid(), &client)) {
    return refuse(connection, status->message);
  }
  client->functions = std::move(hello.functions);
  client->arguments = std::move(hello.arguments);
  if (!client->arguments.empty() && client->arguments[0].size() > kNameBytesMax)
    client->arguments[0].resize(kNameBytesMax);
  client->name_space = std::move(hello.name_space);
  client->program = std::move(files[0]);
  terminals_[client->id] = {std::make_unique<OutputTarget>(std::move(files[1])),
                            std::make_unique<OutputTarget>(std::move(files[2]))};
  const std::uint32_t id = client->id;
  welcome(*client, connection);
  if (clients_.find(id) == nullptr || !options_.embedded || own_driver_ != 0) return;
  own_driver_ = client->id;
  if (client->functions.empty() && options_.libraries.empty()) return;
  // Its workers are wanted soon: get them ready while it goes on.
  Template &own = templates_.start_for_driver(client->id, client->program.get(), program_name_of(*client),
                                              options_.libraries, client->functions);
  client->template_number = own.number;
  templates_.start_workers(own, options_.workers);
}

void Raylet::admit_worker(const std::shared_ptr<Connection> &connection, const wire::Hello &hello, Files files) {
  Template *const from = templates_.find(hello.template_number);
  if (files.size() != kWorkerFiles || from == nullptr || from->failed) {
    return refuse(connection, "a worker's hello must name its living template and bring two pipes");
  }
  Client *client = nullptr;
  if (Status status = clients_.attach(segment::ClientKind::kWorker, connection->peer_pid(), &client)) {
    return refuse(connection, status->message);
  }
  client->template_number = from->number;
  client->last_job = from->job;
  if (forked_.erase(client->pid) == 0) said_hello_[client->pid] = true;
  const std::uint32_t id = client->id;
  welcome(*client, connection);
  if (clients_.find(id) == nullptr) return;
  read_output_of(*client, std::move(files));
  templates_.on_worker_started(*from);
  if (!tasks_.on_worker_started(*client)) {
    worker_start_failed(from->number, "the scheduler has no place for another worker");
    kill(*client, segment::DeathCause::kNotNeeded);
  }
}

void Raylet::read_output_of(const Client &worker, Files files) {
  const std::uint32_t id = worker.id;
  WorkerOutput &output = outputs_[id];
  output.output = std::make_shared<OutputPipe>(loop_, std::move(files[0]), worker.pid,
                                               [this, id] { return target_for(id, false); });
  output.errors =
      std::make_shared<OutputPipe>(loop_, std::move(files[1]), worker.pid, [this, id] { return target_for(id, true); });
  output.output->start();
  output.errors->start();
}

// The terminal of the driver whose task the worker runs, or ran last.
OutputTarget *Raylet::target_for(std::uint32_t worker, bool errors) {
  const Client *const client = clients_.find(worker);
  const auto terminal = client == nullptr ? terminals_.end() : terminals_.find(driver_of(client->last_job));
  if (terminal == terminals_.end()) return nullptr;
  return errors ? terminal->second.errors.get() : terminal->second.output.get();
}

void Raylet::admit_template(const std::shared_ptr<Connection> &connection, const wire::Hello &hello) {
  Template *one = hello.template_number == 0 ? &templates_.add_by_hand(connection->peer_pid())
                                             : templates_.find(hello.template_number);
  if (one == nullptr || one->failed || one->pid != connection->peer_pid()) {
    return refuse(connection, "no such template is expected");
  }
  connection->set_handlers(
      [this, number = one->number](wire::Message message, const Files &) {
        if (const auto *forked = std::get_if<wire::WorkerForked>(&message))
          return on_worker_forked(number, forked->pid);
        const auto *failed = std::get_if<wire::WorkersFailed>(&message);
        if (failed == nullptr) return;
        spdlog::error("template {}: {}", number, failed->message);
        for (std::uint32_t i = 0; i < failed->count && i < base::kWorkersMax; ++i) {
          worker_start_failed(number, failed->message);
        }
      },
      [](const std::string &) {});
  connection->send(wire::Welcome{one->number, static_cast<std::int32_t>(getpid()), options_.session},
                   {segment_->descriptor(), event_.native_handle()});
  // A template that cannot fork workers says why in place of arguments.
  if (!hello.arguments.empty()) return templates_.give_up(*one, hello.arguments[0]);
  spdlog::info("template {} is ready: pid {} ({})", one->number, one->pid, one->name);
  templates_.on_hello(*one, connection, hello.functions);
  if (one->by_hand) templates_.start_workers(*one, 1);
  report_ready(nullptr);
}

void Raylet::admit_tool(const std::shared_ptr<Connection> &connection) {
  connection->send(wire::Welcome{0, static_cast<std::int32_t>(getpid()), options_.session},
                   {segment_->descriptor(), event_.native_handle()});
}

void Raylet::on_worker_forked(std::uint32_t template_number, pid_t pid) {
  if (said_hello_.erase(pid) != 0 || clients_.find_pid(pid) != nullptr) return;
  const Template *const from = templates_.find(template_number);
  if (from == nullptr || from->by_hand || pid <= 1) return;  // by hand: its workers are no children of ours
  // Zero: it exists, or is a zombie that SIGCHLD will tell of.
  if (::kill(pid, 0) == 0)
    forked_[pid] = template_number;
  else
    worker_start_failed(template_number, "a worker ended at once");
}

// The scheduler asks again if it still needs one; the template is given up when that goes on.
void Raylet::worker_start_failed(std::uint32_t template_number, const std::string &why) {
  tasks_.scheduler().worker_start_failed(template_number);
  Template *const one = templates_.find(template_number);
  if (one != nullptr) templates_.on_worker_failed(*one, kStartFailuresMax, why);
}

void Raylet::on_template_died(Template &one) {
  spdlog::warn("template {} ends: pid {} ({}); workers that it was to start will not come", one.number, one.pid,
               one.name);
  for (std::uint32_t i = 0; i < one.unreported_workers; ++i) tasks_.scheduler().worker_start_failed(one.number);
}

void Raylet::on_template_failed(Template &one, const std::string &why) {
  spdlog::error("template {} has failed: pid {} ({}), {}", one.number, one.pid, one.name, why);
  tasks_.fail_template(one.number, plain_verdict(Code::kFunctionNotFound, one.pid));
  if (one.job == 0 && !one.by_hand) {
    return report_ready(base::failure(Code::kInvalidArgument, "the libraries cannot be used: " + why));
  }
  const auto terminal = terminals_.find(one.job);
  if (terminal != terminals_.end()) terminal->second.errors->write(fmt::format("mobula: no workers: {}\n", why));
}

}  // namespace mobula::raylet
