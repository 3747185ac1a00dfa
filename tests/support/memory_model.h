// support/memory_model.h: what C++ lets a thread read, as views over the history of each atomic.
//   Model      Each location keeps every value it had (a message), in modification order, each with the view that its
//              writer published. A thread's view says which message of each location is the oldest that it may still
//              read; a load may read that one or any later one. acquire joins the view of the message read; release
//              publishes the writer's view, relaxed only the message itself; a read-modify-write reads the last message
//              and carries on what that one had published. Fences, failed and weak compare-exchanges follow the
//              standard. seq_cst, as in C++20: accesses are in one order for each location, which bounds what seq_cst
//              loads of it read; a fence joins and publishes whole views. So a seq_cst access is no fence
//   Races      a Cell stands for plain bytes: two accesses, one of them a write, without an order are a failure
//   Left out   a load never reads what is written later (no load buffering), and a store goes to the end of the
//              modification order, never between older ones (no 2+2W). Plain fields are not simulated, except as a Cell
//   Threads    one; the explorer's
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "support/scheduled_atom.h"

namespace mobula::support {

constexpr std::uint32_t kLocationsMax = 64;
constexpr std::uint32_t kThreadsMax = 4;

struct View {
  std::array<std::uint16_t, kLocationsMax> oldest{};  // per location: the oldest message that may be read
  std::array<std::uint16_t, kThreadsMax> clocks{};    // per thread: how much of it happened before
  void join_messages(const View &other);
  void join(const View &other);
};

// One of the ways in which an operation may go.
struct Outcome {
  enum class Kind : std::uint8_t { kOnly, kRead, kExchange, kSpurious };
  Kind kind = Kind::kOnly;
  std::uint16_t message = 0;  // read by kRead
};

class MemoryModel {
 public:
  void reset();
  // The number of an atomic's location; its first message is its present value. Throws when there are too many.
  std::uint32_t location_of(const Operation &operation);
  std::uint32_t locations_count() const { return locations_count_; }
  const void *address_of(std::uint32_t location) const { return locations_[location].address; }

  // False for a lock that is taken and for a sleep on an unchanged word.
  bool is_enabled(const Operation &operation, std::uint32_t location) const;
  // All ways in which it may go now, the one of strong memory first.
  void outcomes(std::uint32_t thread, const Operation &operation, std::uint32_t location, bool may_be_spurious,
                std::vector<Outcome> *all) const;
  // REQUIRES: `outcome` is one of outcomes(). Writes the new value to its address, too.
  OperationResult perform(std::uint32_t thread, const Operation &operation, std::uint32_t location, Outcome outcome);

  // A plain access. False: it races with another thread's.
  bool touch_cell(std::uint32_t thread, const void *cell, bool is_write);

 private:
  struct Message {
    std::uint64_t value = 0;
    View view;
  };
  struct Location {
    const void *address = nullptr;
    std::uint16_t oldest_for_seq_cst = 0;
    std::uint32_t messages_count = 0;
    std::vector<Message> messages;  // its memory is used again
    const Message &last() const { return messages[messages_count - 1]; }
  };
  struct Thread {
    View view;
    View read;      // of all messages read, for an acquire fence
    View released;  // at the last release fence
  };
  struct CellAccesses {
    const void *cell = nullptr;
    std::array<std::uint16_t, kThreadsMax> reads{};
    std::array<std::uint16_t, kThreadsMax> writes{};
  };

  std::uint16_t oldest_readable(std::uint32_t thread, std::uint32_t location, std::memory_order order) const;
  std::uint64_t read(std::uint32_t thread, std::uint32_t location, std::uint16_t message, std::memory_order order);
  void write(std::uint32_t thread, const Operation &operation, std::uint32_t location, std::uint64_t value,
             std::memory_order order, bool is_modification);
  void fence(std::uint32_t thread, std::memory_order order);

  std::array<Location, kLocationsMax> locations_;
  std::uint32_t locations_count_ = 0;
  std::array<Thread, kThreadsMax> threads_;
  View fences_;  // what seq_cst fences have published
  std::vector<CellAccesses> cells_;
};

}  // namespace mobula::support
