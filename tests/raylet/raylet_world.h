// raylet/raylet_world.h: a real segment with the raylet's store and clients, and processes that are played by the test.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "raylet/clients.h"
#include "raylet/store.h"
#include "refs/references.h"
#include "segment/ring.h"
#include "segment/test_segment.h"

namespace mobula::raylet {

using refs::ObjectName;
using refs::State;

// One attached process: the raylet's view of it, and its own.
struct Process {
  Process(segment::Segment &segment_in, Client *client_in)
      : segment(segment_in), client(client_in), id(client_in->id), references(segment_in, client_in->id) {
    references.rows().add_chunk(segment.rows(segment.client(id).row_offsets[0]));
  }

  // Begins an object in an entry that was granted to this process.
  segment::Row &begin(std::uint32_t entry, State state = State::kCreating) {
    segment::Row *const row = references.open(entry);
    REQUIRE(row != nullptr);
    REQUIRE(references.begin(*row, state));
    return *row;
  }
  segment::Row &put(std::uint32_t entry, std::span<const std::byte> bytes = {},
                    segment::Kind kind = segment::Kind::kValue) {
    segment::Row &row = begin(entry);
    segment::EntryHeader &header = segment.entry(entry);
    header.size = bytes.size();
    header.kind = kind;
    std::byte *const target = header.offset == segment::kInlineOffset
                                  ? header.inline_bytes
                                  : segment.writable(header.offset, header.capacity_bytes);
    if (!bytes.empty()) std::memcpy(target, bytes.data(), bytes.size());
    REQUIRE(references.settle(row, State::kSealed));
    return row;
  }
  segment::Row &take(const ObjectName &name) {
    segment::Row *row = nullptr;
    REQUIRE(references.take(name, &row) == refs::References::Take::kTaken);
    return *row;
  }
  void release(segment::Row &row) {
    std::uint32_t entry = 0;
    static_cast<void>(references.release_shared(row, &entry));
  }
  bool holds(std::uint32_t entry) const {
    const segment::Word &word = segment.set_word(segment::Set::kHolders, id / base::kClientsPerGroup, entry);
    return (word.load() >> (id % base::kClientsPerGroup) & 1) != 0;
  }

  segment::Segment &segment;
  Client *client;
  const std::uint32_t id;
  refs::References references;
};

struct RayletWorld {
  explicit RayletWorld(std::uint64_t capacity_bytes = segment::kTestCapacityBytes)
      : segment(segment::create_segment(capacity_bytes)), store(*segment), clients(*segment) {}

  std::unique_ptr<Process> attach(segment::ClientKind kind = segment::ClientKind::kDriver, pid_t pid = 100) {
    Client *client = nullptr;
    REQUIRE(clients.attach(kind, pid, &client) == nullptr);
    return std::make_unique<Process>(*segment, client);
  }
  std::uint32_t grant_one(const Process &process, std::uint64_t bytes = 1) {
    const auto granted = store.grant(process.id, objects::class_of(bytes), 1, bytes);
    REQUIRE(granted.size() == 1);
    return granted[0];
  }
  ObjectName name_of(std::uint32_t entry) const { return {entry, refs::generation_of(store.word_of(entry))}; }
  State state_of(std::uint32_t entry) const { return refs::state_of(store.word_of(entry)); }
  std::vector<ObjectName> reap(const Process &process) {
    std::vector<ObjectName> failed;
    while (store.settle_entries_of(process.id, process.client->pid, 1, &failed)) {
    }
    std::uint64_t row = 0;
    do row = store.clear_rows(process.id, process.client->row_offsets, row, 100);
    while (row != 0);
    return failed;
  }
  // What a client reads from one of its rings. Each ring has one consumer for as long as the world lives.
  std::vector<segment::RingSlot> read_all(segment::RingControl *control, const segment::RingSlot *slots,
                                          std::uint32_t slots_count) {
    segment::RingConsumer &ring =
        consumers.try_emplace(control, segment::RingConsumer(control, slots, slots_count)).first->second;
    std::vector<segment::RingSlot> all;
    segment::RingSlot slot;
    while (ring.peek(&slot) == segment::RingConsumer::Look::kMessage) {
      all.push_back(slot);
      ring.pop();
    }
    return all;
  }
  // Frees all that can be freed.
  std::size_t free_all() {
    std::size_t freed = 0;
    while (store.has_candidates()) freed += store.free_batch([] {});
    return freed;
  }

  std::unique_ptr<segment::Segment> segment;
  Store store;
  Clients clients;
  std::map<const segment::RingControl *, segment::RingConsumer> consumers;
};

}  // namespace mobula::raylet
