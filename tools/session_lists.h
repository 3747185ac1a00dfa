// tools/session_lists.h: what there is in a session, by kind: for `mobula list` and `mobula summary`.
//   Threads    thread-bound
//   Ownership  listings look into the SessionLists that made them
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/labels.h"
#include "tools/listing.h"

namespace mobula::tools {

struct ActorFacts {
  refs::ObjectName name;  // of its entry; of its creation task before it is made
  const char *state = "alive";
  std::uint32_t client = 0;  // its process; 0: none
  std::string maker;         // the function that makes it, "" when unknown
  std::uint32_t site = 0;
  std::int64_t created_ns = 0;
  std::uint32_t queued = 0;  // calls
  std::uint32_t running = 0;
  std::uint32_t holders = 0;
};

class SessionLists {
 public:
  SessionLists(const tasks::Holdings &holdings, Labels &labels);

  Listing objects();
  Listing tasks();
  Listing actors();
  Listing workers() { return clients("worker"); }
  Listing clients() { return clients("client"); }

  // For the summary.
  const std::vector<const tasks::Task *> &live_tasks() const { return tasks_; }
  const std::vector<ActorFacts> &live_actors() const { return actors_; }
  static const char *state_of(const tasks::Task &task);

 private:
  struct ClientSums {
    std::uint32_t client = 0;
    std::uint64_t objects = 0;
    std::uint64_t handles = 0;
    std::uint64_t pins = 0;
    std::uint64_t bytes = 0;  // of what it holds, each object whole
  };

  void find_tasks();
  void find_actors();
  void sum_clients();
  Listing clients(const std::string &noun);
  const char *state_of(const tasks::Process &process) const;
  std::string pid_of(std::uint32_t client) const;
  std::string age(std::int64_t since_ns) const;
  ListColumn age_column(std::function<std::int64_t(std::size_t)> since_ns) const;

  const tasks::Holdings &holdings_;
  Labels &labels_;
  std::vector<const tasks::Task *> tasks_;
  std::vector<ActorFacts> actors_;
  std::vector<ClientSums> sums_;       // by client id
  std::vector<std::uint32_t> listed_;  // client ids
};

}  // namespace mobula::tools
