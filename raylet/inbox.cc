// The messages of clients' rings. Every number in them may be a lie.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "raylet/raylet.h"
#include "segment/bell.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kMessagesPerDrain = base::kRingSlots;  // of one client, before the next has its turn
constexpr std::uint64_t kMessagesAhead = 4;  // whose entries are on their way from the client's cache to ours

}  // namespace

bool Raylet::drain_all() {
  bool any = false;
  // By position: handling a message can end a client, never begin one.
  for (std::size_t i = 0; i < clients_.ids().size(); ++i) {
    Client &client = *clients_.find(clients_.ids()[i]);
    any |= drain(client);
  }
  return any;
}

bool Raylet::drain(Client &client) {
  segment::RingSlot slot;
  std::uint32_t count = 0;
  while (!client.expelled && count < kMessagesPerDrain) {
    const segment::RingConsumer::Look look = client.inbox.peek(&slot);
    if (look == segment::RingConsumer::Look::kEmpty) break;
    if (look == segment::RingConsumer::Look::kBroken) {
      const segment::RingControl &ring = clients_.slot(client).to_raylet;
      expel(client,
            fmt::format("its ring has an impossible tail: {}, with a head of {}", ring.tail.load(), ring.head.load()));
      break;
    }
    prefetch(client.inbox.ahead(kMessagesAhead));
    if (!handle(client, slot)) {
      expel(client, fmt::format("a message of kind {} in its ring breaks the protocol", slot.kind));
      break;
    }
    client.inbox.pop();
    ++count;
  }
  segment::ClientSlot &shared = clients_.slot(client);
  if (shared.hints_lost.load(std::memory_order_relaxed) != 0 && shared.hints_lost.exchange(0) != 0)
    store_.request_scan();
  if (count == 0) return false;
  // Our head is visible before we look for who waits for room; pairs with the producer's count and re-check (rule 26).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (shared.room_waiters.load(std::memory_order_relaxed) != 0) segment::ring_always(shared);
  return true;
}

// Most kinds of message have a name first, and some a second one behind it.
void Raylet::prefetch(const segment::RingSlot *slot) const {
  if (slot == nullptr) return;
  store_.prefetch(slot->words[0]);
  store_.prefetch(slot->words[wire::kWordsPerName]);
}

// False: the client broke the protocol.
bool Raylet::handle(Client &client, const segment::RingSlot &slot) {
  switch (static_cast<wire::ToRaylet>(slot.kind)) {
    case wire::ToRaylet::kSubmit:
      return tasks_.on_submit(client, wire::task_names(slot));
    case wire::ToRaylet::kHints:
      return on_hints(slot);
    case wire::ToRaylet::kRequest:
      space_.on_request(client, wire::request_of(slot));
      return true;
    case wire::ToRaylet::kWithdraw:
      space_.on_withdraw(client, slot.words[0]);
      return true;
    case wire::ToRaylet::kRows:
      space_.on_rows(client);
      return true;
    case wire::ToRaylet::kContains:
      return on_contains(client, slot);
    case wire::ToRaylet::kDone:
      return tasks_.on_done(client, wire::task_names(slot), static_cast<wire::Done>(slot.count));
    case wire::ToRaylet::kBlocked:
      return tasks_.on_blocked(client, true, wire::awaited_in(slot));
    case wire::ToRaylet::kUnblocked:
      return tasks_.on_blocked(client, false);
    case wire::ToRaylet::kSkipped:
      tasks_.on_skipped(client);
      return true;
    case wire::ToRaylet::kReturn:
      return on_return(client, slot);
    case wire::ToRaylet::kKillActor:
      tasks_.on_kill_actor(wire::get_name(slot, 0), slot.count != 0);
      return true;
    case wire::ToRaylet::kActorExits:
      return tasks_.on_actor_exits(client);
    case wire::ToRaylet::kRetain:
      return on_retain(client, slot);
  }
  return false;
}

bool Raylet::on_hints(const segment::RingSlot &slot) {
  if (slot.count > wire::kEntriesPerHint) return false;
  for (std::uint32_t i = 0; i < slot.count; ++i) store_.suggest(slot.words[i]);
  return true;
}

bool Raylet::on_contains(const Client &client, const segment::RingSlot &slot) {
  if (slot.count > wire::kNamesPerContains) return false;
  const refs::ObjectName container = wire::get_name(slot, 0);
  if (!store_.is_entry(container.entry)) return false;
  // What it creates itself, or the result of a task that it runs. Anything else: a result that we failed meanwhile.
  const std::uint64_t word = store_.word_of(container.entry);
  if (store_.index()[container.entry].owner != client.id && refs::writer_of(word) != client.id) return true;
  for (std::uint32_t i = 1; i <= slot.count; ++i) {
    store_.add_contained(container, wire::get_name(slot, i * wire::kWordsPerName));
  }
  return true;
}

bool Raylet::on_return(const Client &client, const segment::RingSlot &slot) {
  if (slot.count > wire::kEntriesPerHint) return false;
  for (std::uint32_t i = 0; i < slot.count; ++i) {
    if (!store_.take_back(client.id, slot.words[i])) return false;
  }
  return true;
}

// Its calls must not wait for ever.
void Raylet::disconnect(Client &client) {
  clients_.slot(client).expelled.exchange(1, std::memory_order_seq_cst);
  segment::ring_always(clients_.slot(client));
  if (client.connection) client.connection->close();
}

// It can still write to the segment until it is dead, so it keeps its references till then; nothing of it is read any
// more.
void Raylet::expel(Client &client, const std::string &why) {
  spdlog::error("client {} is disconnected: {}, {}", client.id, clients_.describe(client.id), why);
  client.expelled = true;
  disconnect(client);
  if (client.kind == segment::ClientKind::kWorker) kill(client, segment::DeathCause::kExpelled);
}

}  // namespace mobula::raylet
