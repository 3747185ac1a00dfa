// raylet/space.h: answers clients' requests for entries, and keeps those that must wait for space in order.
//   Threads    thread-bound (the raylet's loop)
//   Errors     what can never fit is refused at once
//   Cost       O(entries granted); waiting requests are looked at only when something was freed
#pragma once

#include <cstdint>
#include <deque>

#include "raylet/clients.h"
#include "raylet/store.h"
#include "wire/ring_messages.h"

namespace mobula::raylet {

class Space {
 public:
  Space(Store &store, Clients &clients) : store_(store), clients_(clients) {}

  // Noted now, granted by serve().
  void on_request(const Client &client, const wire::Request &request);
  void on_withdraw(const Client &client, std::uint32_t ticket);
  void on_rows(Client &client) { rows_wanted_.push_back(client.id); }
  void on_client_gone(std::uint32_t client);

  // Grants what it can, first come first served. Returns true when anybody got something.
  bool serve();
  // Somebody waits although everything free was given out.
  bool is_short() const { return !waiting_.empty() || !inline_waiting_.empty(); }
  bool is_short_of_blocks() const { return !waiting_.empty(); }
  // What the first in the queue waits for; 0 when nobody does, 1 when it is an entry only.
  std::uint64_t bytes_short() const;
  // Whose it is. REQUIRES: is_short().
  std::uint32_t first_waiting() const { return (waiting_.empty() ? inline_waiting_ : waiting_).front().client; }

 private:
  struct Waiting {
    std::uint32_t client = 0;
    wire::Request request;
  };
  bool serve_one(const Waiting &waiting);
  bool serve_rows();
  void send_entries(Client &client, std::uint32_t size_class, const std::vector<std::uint32_t> &entries);
  void refuse(Client &client, std::uint32_t ticket, Code code);

  bool serve_queue(std::deque<Waiting> *queue);

  Store &store_;
  Clients &clients_;
  std::deque<Waiting> inline_waiting_;  // need an entry only, so they pass those that wait for blocks
  std::deque<Waiting> waiting_;         // at most one per client, class and waiting thread
  std::deque<std::uint32_t> rows_wanted_;
};

}  // namespace mobula::raylet
