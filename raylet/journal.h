// raylet/journal.h: what the raylet's log tells of a session: one line for each event, which begins with its subject.
//   Threads    thread-bound (the raylet's loop)
//   Errors     none: what cannot be written is lost (spdlog says so on the error output)
//   Cost       a line: a write of the log's file. Of what may happen many times a second, one line a second at most
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "objects/history.h"
#include "raylet/clients.h"
#include "raylet/serve.h"
#include "raylet/store.h"

namespace mobula::raylet {

// Lets one event through in each second.
class Pace {
 public:
  bool lets_through(std::int64_t now_ns) {
    if (now_ns < next_ns_) return false;
    next_ns_ = now_ns + base::kNanosecondsPerSecond;
    return true;
  }

 private:
  std::int64_t next_ns_ = 0;
};

class Journal {
 public:
  Journal(std::string session, Store &store, Clients &clients)
      : session_(std::move(session)), store_(store), clients_(clients) {}

  void session_begins(const Options &options) const;
  void session_ends(const std::string &why) const;
  void client_joins(const Client &client) const;
  // The newest death is its own. A fault, a lack of memory and a broken protocol are warnings.
  void client_ends(const Client &client) const;
  // Nothing refers to anything for it any more.
  void client_is_cleared(const Client &client) const;
  // Part of an eviction pass; all parts of a second are one line, written by write_evictions().
  void evicted(const Freed &freed);
  bool has_evictions() const { return evicted_.objects != 0; }
  void write_evictions(std::int64_t now_ns);
  // A put waits for `bytes`.
  void space_is_short(std::uint32_t client, std::uint64_t bytes, std::int64_t now_ns);

 private:
  std::string text_of_task(const objects::DeathRecord &death) const;

  const std::string session_;
  Store &store_;
  Clients &clients_;
  Freed evicted_;  // and not written yet
  Pace eviction_pace_;
  Pace space_pace_;
};

}  // namespace mobula::raylet
