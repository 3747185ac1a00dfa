// tools/processes.h: the processes of a session: what their slots in the segment and the kernel say of them.
//   Threads    any thread. Reads only, and asks no client
//   Errors     what a client wrote is its own word and may be anything; the kernel knows nothing of those that are gone
//   Cost       of the slots: O(clients). Of the kernel: one small file for each process
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::tools {

struct RunningTask {
  refs::ObjectName result;
  std::uint32_t site = 0;  // its function
  std::int64_t since_ns = 0;
};

struct ClientFacts {
  std::uint32_t client = 0;
  std::uint32_t generation = 0;  // which of those that had the id
  std::uint32_t pid = 0;
  segment::ClientKind kind = segment::ClientKind::kNone;  // kNone: it has ended
  bool is_actor = false;
  bool is_reaped = false;  // its process is gone, what it held is being given back
  std::uint64_t tasks_run = 0;
  std::optional<RunningTask> task;
};

// By id; of ids whose last process has ended, too.
std::vector<ClientFacts> read_clients(const segment::Segment &segment);
inline bool is_in_session(const ClientFacts &client) {
  return client.kind != segment::ClientKind::kNone && !client.is_reaped && client.pid != 0;
}
// "worker", "actor", "driver".
std::string kind_of(const ClientFacts &client);
// "driver: train --epochs 5" (its program without the folder), "worker", "actor, ended".
std::string title_of(const ClientFacts &client);

// 0 when the process is gone. Zombies have parents.
int parent_of(int pid);
// True when the line of parents of `pid` leads to `ancestor`, or when it is that process.
bool descends_from(int pid, int ancestor);
// Direct children, zombies included.
std::vector<int> children_of(int pid);

// What it says of functions, files and command lines, fit for a terminal: others' words may hold any bytes.
std::string printable(std::string_view text);

}  // namespace mobula::tools
