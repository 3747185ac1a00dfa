// raylet/raylet.h: the raylet: one loop that owns every decision of a session.
//   Threads    one thread. It never blocks on a client and never on a ring
//   Process    parent of the templates; workers become its children when their template's helper exits (subreaper)
//   Crash      its death wakes every sleeper (segment/bell.h); the kernel frees the nameless segment
//   Errors     a client that breaks the protocol is expelled; faults go up to main
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/spin.h"
#include "objects/eviction_marks.h"
#include "objects/reaper.h"
#include "objects/sampler.h"
#include "raylet/asio.h"
#include "raylet/clients.h"
#include "raylet/journal.h"
#include "raylet/metrics_server.h"
#include "raylet/output.h"
#include "raylet/serve.h"
#include "raylet/session_folder.h"
#include "raylet/space.h"
#include "raylet/store.h"
#include "raylet/tasks.h"
#include "raylet/templates.h"
#include "segment/life.h"
#include "segment/segment.h"
#include "wire/messages.h"

namespace mobula::raylet {

class Raylet {
 public:
  Raylet(Options options, std::unique_ptr<segment::Segment> segment, std::unique_ptr<SessionFolder> folder);
  ~Raylet();

  // Called once the session can be used: listening, and with libraries loaded if it has any.
  void on_ready(std::function<void(Status)> ready) { ready_ = std::move(ready); }
  // Whoever connects there gets the session's metrics.
  void serve_metrics(base::File listener);
  // Serves until it is stopped. Returns the exit status.
  int run();

 private:
  // --- loop, raylet.cc
  void accept_next();
  void watch_event();
  void watch_signals();
  bool turn();
  void sleep_until_event();
  bool has_messages();
  bool set_pressure();
  bool do_due_work();
  void set_timer();
  std::function<void()> drainer();
  void report_ready(Status status);
  void stop(const std::string &why);
  void end_processes();

  // --- samples, sampling.cc
  enum class Sampling { kWhenBusy, kBeforeSleep };
  bool sample_some(std::uint64_t turns, Sampling when);
  void write_sample(std::uint64_t number, const objects::SampleRecord &sample);

  // --- rings, inbox.cc
  bool drain_all();
  bool drain(Client &client);
  void prefetch(const segment::RingSlot *slot) const;
  bool handle(Client &client, const segment::RingSlot &slot);
  bool on_hints(const segment::RingSlot &slot);
  bool on_contains(const Client &client, const segment::RingSlot &slot);
  bool on_return(const Client &client, const segment::RingSlot &slot);
  void expel(Client &client, const std::string &why);
  void disconnect(Client &client);

  // --- connections, admission.cc
  using Files = std::vector<base::File>;
  void serve(base::File socket, bool is_own_driver);
  void on_hello(const std::shared_ptr<Connection> &connection, wire::Hello hello, Files files);
  void admit_driver(const std::shared_ptr<Connection> &connection, wire::Hello hello, Files files);
  void admit_worker(const std::shared_ptr<Connection> &connection, const wire::Hello &hello, Files files);
  void admit_template(const std::shared_ptr<Connection> &connection, const wire::Hello &hello);
  void admit_tool(const std::shared_ptr<Connection> &connection);
  void welcome(Client &client, const std::shared_ptr<Connection> &connection);
  void refuse(const std::shared_ptr<Connection> &connection, const std::string &why);
  bool watch(Client &client);
  void read_output_of(const Client &worker, Files files);
  OutputTarget *target_for(std::uint32_t worker, bool errors);
  void on_worker_forked(std::uint32_t template_number, pid_t pid);
  void on_template_failed(Template &one, const std::string &why);
  void on_template_died(Template &one);
  void worker_start_failed(std::uint32_t template_number, const std::string &why);

  // --- jobs, jobs.cc
  struct DetachedJob {
    std::uint32_t driver = 0;  // it may be gone
    std::uint32_t template_number = 0;
    std::string name_space;
    std::string program_name;
    base::File program;
    std::vector<std::string> functions;
  };
  std::optional<std::uint32_t> template_for(std::uint64_t function, std::uint32_t job);
  std::optional<std::uint32_t> own_template(std::uint64_t function, std::uint32_t job,
                                            const std::vector<std::string> &functions, const base::File &program,
                                            const std::string &name, std::uint32_t *number);
  static std::string program_name_of(const Client &driver);
  bool is_job_alive(std::uint32_t job);
  std::uint32_t detached_job(std::uint32_t job);
  void detached_job_ended(std::uint32_t job);
  std::string namespace_of(std::uint32_t job);
  std::string function_name(std::uint64_t function);
  std::uint32_t driver_of(std::uint32_t job) const;
  Client *client_at(const std::shared_ptr<Connection> &connection);
  wire::FindActorReply find_actor(const std::shared_ptr<Connection> &connection, const wire::FindActorRequest &request);

  // --- requests, requests.cc
  void on_message(const std::shared_ptr<Connection> &connection, wire::Message message);
  std::string status_json();
  wire::DeleteReply delete_object(const wire::DeleteRequest &request);
  wire::PinReply pin_object(const wire::PinRequest &request);
  wire::CancelReply cancel(const wire::CancelRequest &request);

  // --- placement groups and resources, groups.cc
  wire::GroupsReply answer_groups(const std::shared_ptr<Connection> &connection, const wire::GroupsRequest &request);
  wire::GroupsReply create_group(std::uint32_t job, const std::string &text);
  std::string resources_json();
  void settle_everything();

  // --- space and retention, room.cc
  bool make_room();
  bool on_retain(const Client &client, const segment::RingSlot &slot);
  wire::PublishReply publish(const wire::PublishRequest &request);
  wire::EvictReply evict(const wire::EvictRequest &request);
  wire::CollectReply collect();
  std::uint64_t end_unreachable_actors();

  // --- deaths, deaths.cc
  void on_process_ended(std::uint32_t client_id);
  void on_connection_closed(std::uint32_t client_id, const std::string &why);
  void on_goodbye(const std::shared_ptr<Connection> &connection);
  void begin_reaping(Client &client, std::optional<int> status);
  bool reap_some();
  void carry_out(const objects::ReapAction &action);
  void finish_output(std::uint32_t worker);
  void drain_for(Client &dead);
  void judge_tasks_of(Client &dead, std::int32_t process_end);
  void detach(Client &dead);
  void go_on(std::uint64_t position);
  void free_some(std::uint64_t until);
  void collect_children();
  // As waitpid has it; nothing: it was not our child, and the kernel does not tell.
  std::optional<int> status_of(const Client &client);
  void note_death(const Client &client, std::optional<int> status);
  bool machine_ran_out_of_memory();
  void kill(Client &client, segment::DeathCause cause);
  void ring_all();

  Options options_;
  std::unique_ptr<segment::Segment> segment_;
  std::unique_ptr<SessionFolder> folder_;
  std::optional<segment::Life> life_;
  asio::io_context loop_{1};
  asio::posix::stream_descriptor listener_;
  asio::posix::stream_descriptor event_;
  asio::signal_set signals_;
  Store store_;
  Clients clients_;
  Space space_;
  Journal journal_;
  objects::EvictionMarks marks_;
  std::optional<std::uint64_t> room_wanted_since_;  // suggestions of candidates that had come by then
  Templates templates_;
  Tasks tasks_;
  std::function<void(Status)> ready_;
  std::uint64_t oom_kills_ = 0;                      // of the machine, when last looked
  std::unordered_map<pid_t, int> exit_status_;       // collected before its pidfd was looked at
  std::unordered_map<pid_t, std::uint32_t> forked_;  // workers that have not said hello: their template
  std::unordered_map<pid_t, bool> said_hello_;       // workers that did so before their template reported them
  struct WorkerOutput {
    std::shared_ptr<OutputPipe> output;
    std::shared_ptr<OutputPipe> errors;
  };
  std::unordered_map<std::uint32_t, WorkerOutput> outputs_;  // by worker
  struct DriverOutput {
    std::unique_ptr<OutputTarget> output;
    std::unique_ptr<OutputTarget> errors;
  };
  std::unordered_map<std::uint32_t, DriverOutput> terminals_;     // by driver
  std::unordered_map<std::uint32_t, DetachedJob> detached_jobs_;  // by job, from base::kClientsMax on
  std::vector<std::uint32_t> ended_jobs_;                         // of those, whose last actor has ended
  std::uint32_t next_detached_job_ = base::kClientsMax;
  std::optional<MetricsServer> metrics_;  // none: nobody asked for it
  asio::steady_timer timer_;
  std::optional<std::int64_t> timer_due_ns_;
  objects::Reaper reaper_;
  std::shared_ptr<Connection> own_connection_;  // to that driver
  std::uint32_t own_driver_ = 0;                // of an embedded session
  std::shared_ptr<Connection> stop_requested_by_;
  bool accept_paused_ = false;
  bool stopping_ = false;
  bool is_ready_ = false;  // or was refused: it is told once
  bool failed_to_start_ = false;
  base::Spin spin_;
  objects::EntryScan entry_scan_;
  objects::SamplePace sample_pace_;
  std::uint64_t sampled_turns_ = 0;          // turns that had something to do, before the newest sample
  std::uint32_t turns_with_candidates_ = 0;  // in a row, that did not look at them
};

}  // namespace mobula::raylet
