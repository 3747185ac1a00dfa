// raylet/templates.h: the worker templates: processes that have the user's functions loaded and fork workers.
//   Threads    thread-bound (the raylet's loop)
//   Process    children of the raylet; one for the session's libraries, one for each driver's own executable
//   Crash      a template that dies is started again; its workers live on
//   Errors     a template that cannot start fails the tasks that need it, saying why
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "raylet/connection.h"
#include "raylet/process_watch.h"

namespace mobula::raylet {

struct Template {
  std::uint32_t number = 0;
  std::uint32_t job = 0;  // the driver whose executable it is; 0: the session's libraries, or launched by hand
  bool by_hand = false;
  bool failed = false;
  pid_t pid = 0;
  std::shared_ptr<ProcessWatch> pidfd;
  std::shared_ptr<Connection> connection;  // null until it has said hello
  std::unordered_set<std::uint64_t> functions;
  std::string program;  // path to execute
  std::string name;     // what `ps` shows
  std::vector<std::string> libraries;
  std::uint32_t wanted_workers = 0;      // asked for while it was not ready
  std::uint32_t unreported_workers = 0;  // asked for, and neither ready nor failed yet
  std::uint32_t start_failures = 0;      // since a worker of it last started
  std::uint32_t deaths = 0;              // since a worker of it last started
};

class Templates {
 public:
  struct Edge {
    std::function<void(Template &)> added;                           // the scheduler may use it
    std::function<void(Template &, const std::string &why)> failed;  // it never will be ready
    std::function<void(Template &)> died;                            // before it is started again
  };

  // `descriptors_limit` is the soft RLIMIT_NOFILE that the raylet was started with: workers get it back.
  Templates(asio::io_context &loop, std::string socket_path, std::string session, rlim_t descriptors_limit, Edge edge);

  // Starts a template of the mobula-worker program for these libraries.
  Template &start_for_libraries(const std::vector<std::string> &libraries);
  // Starts a template from a driver's executable, given as a descriptor that stays open as long as the driver.
  Template &start_for_driver(std::uint32_t job, int program, const std::string &name,
                             const std::vector<std::string> &libraries, const std::vector<std::string> &functions);
  // A template that somebody launched by hand.
  Template &add_by_hand(pid_t pid);

  Template *find(std::uint32_t number);
  // The template that said hello on this connection's pid.
  Template *find_pid(pid_t pid);
  // Any template that has the function: a job's own last, the session's libraries first. Failed ones are skipped.
  Template *with_function(std::uint64_t function, std::uint32_t job);

  void on_hello(Template &one, std::shared_ptr<Connection> connection, const std::vector<std::string> &functions);
  void start_workers(Template &one, std::uint32_t count);
  // It never will be of use, or no more.
  void give_up(Template &one, const std::string &why);
  void on_worker_started(Template &one);
  // One that was asked for will not come. After `failures_max` in a row the template is given up.
  void on_worker_failed(Template &one, std::uint32_t failures_max, const std::string &why);
  // The driver has gone: its template ends.
  void end_job(std::uint32_t job);
  void end_all();
  // SIGCHLD or pidfd: the process is over.
  void on_death(Template &one);
  const std::map<std::uint32_t, std::unique_ptr<Template>> &all() const { return all_; }

 private:
  Template &add(std::uint32_t job);
  void launch(Template &one);
  void watch(Template &one);
  void kill(Template &one);

  asio::io_context &loop_;
  const std::string socket_path_;
  const std::string session_;
  const rlim_t descriptors_limit_;
  Edge edge_;
  std::map<std::uint32_t, std::unique_ptr<Template>> all_;
  std::vector<Template *> of_session_;  // for its libraries, and those launched by hand: they serve every job
  std::unordered_map<std::uint32_t, Template *> of_jobs_;
  std::uint32_t next_number_ = 1;
};

// The mobula-worker program: MOBULA_WORKER, else beside this one, else on PATH.
std::string worker_program();

}  // namespace mobula::raylet
