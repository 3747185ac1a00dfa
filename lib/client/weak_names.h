// client/weak_names.h: which objects this process holds weakly, and how often.
//   Threads    thread-safe; one lock
//   Crash      the raylet knows what it was told: it takes a dead client's weak references back
//   Cost       a lock and a table; a message to the raylet for an object's first and last weak reference
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "client/outbox.h"
#include "refs/state_word.h"
#include "wire/ring_messages.h"

namespace mobula::client {

class WeakNames {
 public:
  explicit WeakNames(Outbox &outbox) : outbox_(outbox) {}

  // False: this process holds base::kWeakNamesMax objects weakly already. The raylet keeps the object from being freed
  // at once, if the caller owns a handle of it, or another weak reference to it.
  bool add(const refs::ObjectName &name);
  void remove(const refs::ObjectName &name);
  // How many weak references there are.
  std::size_t alive() const;

 private:
  struct Hash {
    std::size_t operator()(const refs::ObjectName &name) const {
      return name.generation * 0x9e3779b97f4a7c15ull ^ name.entry;
    }
  };
  mutable std::mutex mutex_;  // held while a message is sent: first and last must come in turns
  Outbox &outbox_;
  std::unordered_map<refs::ObjectName, std::uint64_t, Hash> counts_;
  std::size_t alive_ = 0;
};

}  // namespace mobula::client
