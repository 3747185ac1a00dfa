#include "raylet/space.h"

#include <algorithm>

#include "objects/size_classes.h"
#include "segment/bell.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kCountMax = 4096;       // of one request
constexpr std::uint64_t kShareOfFreeSpace = 8;  // a batch takes no more than this part of what is left
constexpr std::size_t kWaitingMax = 64u << 10;  // requests of all clients; beyond it they are refused

}  // namespace

void Space::on_request(const Client &client, const wire::Request &request) {
  std::deque<Waiting> &queue = request.size_class == objects::kInlineClass ? inline_waiting_ : waiting_;
  if (queue.size() < kWaitingMax) return queue.push_back({client.id, request});
  Client *const refused = clients_.find(client.id);
  if (refused != nullptr) refuse(*refused, request.ticket, Code::kStoreFull);
}

void Space::on_withdraw(const Client &client, std::uint32_t ticket) {
  for (std::deque<Waiting> *queue : {&inline_waiting_, &waiting_}) {
    std::erase_if(*queue, [&](const Waiting &one) { return one.client == client.id && one.request.ticket == ticket; });
  }
}

void Space::on_client_gone(std::uint32_t client) {
  for (std::deque<Waiting> *queue : {&inline_waiting_, &waiting_}) {
    std::erase_if(*queue, [&](const Waiting &one) { return one.client == client; });
  }
  std::erase(rows_wanted_, client);
}

void Space::send_entries(Client &client, std::uint32_t size_class, const std::vector<std::uint32_t> &entries) {
  for (std::size_t first = 0; first < entries.size(); first += wire::kEntriesPerGrant) {
    segment::RingSlot slot = wire::slot_of(wire::Grant::kEntries);
    slot.count = static_cast<std::uint32_t>(std::min<std::size_t>(wire::kEntriesPerGrant, entries.size() - first));
    slot.words[0] = size_class;
    std::copy_n(entries.begin() + static_cast<std::ptrdiff_t>(first), slot.count, slot.words + 1);
    if (client.grants.try_push(slot)) continue;
    // A client that does not read its grants gets no more; it keeps what is in the ring.
    for (std::size_t i = first; i < entries.size(); ++i) static_cast<void>(store_.take_back(client.id, entries[i]));
    break;
  }
}

void Space::refuse(Client &client, std::uint32_t ticket, Code code) {
  segment::RingSlot slot = wire::slot_of(wire::Grant::kRefused);
  slot.words[0] = ticket;
  slot.words[1] = static_cast<std::uint32_t>(code);
  static_cast<void>(client.grants.try_push(slot));  // a client with a full ring is not waiting for this
  std::atomic_thread_fence(std::memory_order_seq_cst);
  segment::ring_if_asleep(clients_.slot(client));
}

// False: no space now.
bool Space::serve_one(const Waiting &waiting) {
  Client *const client = clients_.find_living(waiting.client);
  if (client == nullptr) return true;
  const wire::Request &request = waiting.request;
  const std::uint32_t size_class = std::min(request.size_class, objects::kLargeClass);
  const std::uint64_t block_bytes =
      size_class == objects::kLargeClass ? request.bytes : objects::block_bytes(size_class);
  if (request.bytes > store_.segment().capacity_bytes()) {
    refuse(*client, request.ticket, Code::kTooLarge);
    return true;
  }
  std::uint32_t count = std::clamp(request.count, 1u, kCountMax);
  if (block_bytes != 0) {
    const std::uint64_t share = store_.free_bytes() / kShareOfFreeSpace / block_bytes;
    count = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(share, 1, count));
  }
  const std::vector<std::uint32_t> entries =
      store_.grant(client->id, size_class, count, std::max<std::uint64_t>(request.bytes, 1));
  if (entries.empty() && (!store_.is_out_of_entries() || store_.has_retained_candidates() || store_.has_candidates()))
    return false;
  if (entries.empty())
    refuse(*client, request.ticket, Code::kLimitReached);
  else
    send_entries(*client, size_class, entries);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  segment::ring_if_asleep(clients_.slot(*client));
  return true;
}

bool Space::serve_rows() {
  bool any = false;
  for (; !rows_wanted_.empty(); rows_wanted_.pop_front()) {
    Client *const client = clients_.find_living(rows_wanted_.front());
    std::uint64_t offset = 0;
    std::uint32_t chunk = 0;
    if (client == nullptr) continue;
    if (!clients_.add_rows(*client, &offset, &chunk)) chunk = wire::kNoRows;
    segment::RingSlot slot = wire::slot_of(wire::Grant::kRows);
    slot.words[0] = chunk;
    wire::put_wide(&slot, 1, offset);
    static_cast<void>(client->grants.try_push(slot));  // only one is ever under way
    std::atomic_thread_fence(std::memory_order_seq_cst);
    segment::ring_if_asleep(clients_.slot(*client));
    any = true;
  }
  return any;
}

// In order: a large request is not starved by small ones that come after it.
bool Space::serve_queue(std::deque<Waiting> *queue) {
  bool any = false;
  for (; !queue->empty() && serve_one(queue->front()); any = true) queue->pop_front();
  return any;
}

std::uint64_t Space::bytes_short() const {
  if (!waiting_.empty()) return std::max<std::uint64_t>(waiting_.front().request.bytes, 1);
  return inline_waiting_.empty() ? 0 : 1;
}

bool Space::serve() {
  bool any = serve_rows();
  any |= serve_queue(&inline_waiting_);
  return serve_queue(&waiting_) || any;
}

}  // namespace mobula::raylet
