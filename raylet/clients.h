// raylet/clients.h: the processes attached to the segment, and what the raylet keeps for each.
//   Threads    thread-bound (the raylet's loop)
//   Crash      an id is used again only after its client was reaped, under a new generation
//   Errors     attach fails with a Status at a stated limit
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "objects/extents.h"
#include "raylet/connection.h"
#include "raylet/process_watch.h"
#include "segment/ring.h"
#include "segment/segment.h"
#include "wire/ring_messages.h"

namespace mobula::raylet {

struct Client {
  std::uint32_t id = 0;
  segment::ClientKind kind = segment::ClientKind::kNone;
  pid_t pid = 0;
  std::shared_ptr<Connection> connection;
  std::shared_ptr<ProcessWatch> pidfd;
  segment::RingConsumer inbox;
  segment::RingProducer grants;
  segment::RingProducer offers;
  bool reaping = false;               // it is dead: nothing new is given to it or done for it
  bool expelled = false;              // it broke the protocol: nothing of it is read any more, its death is awaited
  std::uint32_t template_number = 0;  // of a worker; of a driver: its own template, 0 while it has none
  std::deque<std::uint64_t> offered;  // tasks in a worker's ring, in order
  // Of a worker: why it gets no tasks now, and what was offered to it is taken back.
  bool blocked = false;   // its task waits for an object
  bool parked = false;    // its offers ring is full until it reports
  bool stopped = false;   // by a signal, such as SIGSTOP
  wire::Awaited awaited;  // while blocked
  // Why we killed it, or asked it to end; kUnknown: we did not.
  segment::DeathCause ended_for = segment::DeathCause::kUnknown;
  bool ended_by_us = false;  // killed because a job ended: what it ran for others is retried for free
  std::uint64_t actor = 0;   // the number of the actor that it has become
  // Drivers only.
  std::vector<std::string> functions;
  std::vector<std::string> arguments;
  std::string name_space;  // of its job
  base::File program;
  base::File output;
  base::File error_output;
  std::vector<std::uint64_t> row_offsets;  // of its row chunks, as we gave them
  std::uint32_t last_job = 0;              // of a worker: the job whose task it ran last, or whose actor it is
  std::uint32_t detached_job = 0;          // of a driver: the job of the actors that outlive it; 0 = none yet
};

class Clients {
 public:
  explicit Clients(segment::Segment &segment);

  // Prepares slot, rings and first rows for a new client. kLimitReached or kStoreFull when there is no room.
  Status attach(segment::ClientKind kind, pid_t pid, Client **client);
  // The client with that id, or null.
  Client *find(std::uint32_t id) { return id < clients_.size() ? clients_[id].get() : nullptr; }
  // The same, but null once its death is known.
  Client *find_living(std::uint32_t id) {
    Client *const client = find(id);
    return client == nullptr || client->reaping ? nullptr : client;
  }
  // The living client with that pid, or null.
  Client *find_pid(pid_t pid);
  // Gives the rows and the rings back; the id rests until release_id. REQUIRES: it was reaped.
  void detach(Client &client);
  // The id may be used again. REQUIRES: no set has a bit of it.
  void release_id(std::uint32_t id) { resting_[id] = false; }
  // Adds the next chunk of rows to its handle table. False: no room, or it has all.
  bool add_rows(Client &client, std::uint64_t *offset, std::uint32_t *chunk);
  // Ids of all clients. Stable while nobody attaches or detaches.
  const std::vector<std::uint32_t> &ids() const { return ids_; }
  segment::ClientSlot &slot(const Client &client) { return segment_.client(client.id); }
  // "pid 12 (driver ./prog)".
  std::string describe(std::uint32_t id);

 private:
  std::uint32_t free_id() const;
  bool take_rows(Client &client);
  void set_pool_bytes_max();

  segment::Segment &segment_;
  objects::Extents row_space_;
  std::uint64_t rows_reserved_bytes_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<bool> resting_;  // ids of reaped clients, until every word was swept
  std::vector<std::uint32_t> ids_;
};

}  // namespace mobula::raylet
