// objects/weak_holders.h: which clients hold which entries weakly. Pure.
//   Threads    thread-bound (the raylet)
//   Errors     what is there already, or not there, changes nothing
//   Cost       O(clients that hold the entry weakly)
// A set of each client, so that its death takes back just what it had: the client tells its first and last weak
// reference of an object by a message, and a message is read or was never sent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace mobula::objects {

class WeakHolders {
 public:
  // False: the client has as many as it may have.
  bool add(std::uint32_t client, std::uint32_t entry, std::size_t entries_max) {
    std::unordered_set<std::uint32_t> &entries = by_client_[client];
    if (entries.size() >= entries_max) return false;
    if (entries.insert(entry).second) by_entry_[entry].push_back(client);
    return true;
  }
  void remove(std::uint32_t client, std::uint32_t entry) {
    const auto entries = by_client_.find(client);
    if (entries == by_client_.end() || entries->second.erase(entry) == 0) return;
    if (entries->second.empty()) by_client_.erase(entries);
    const auto clients = by_entry_.find(entry);
    std::erase(clients->second, client);
    if (clients->second.empty()) by_entry_.erase(clients);
  }
  // The object is freed.
  void remove_entry(std::uint32_t entry) {
    const auto clients = by_entry_.find(entry);
    if (clients == by_entry_.end()) return;
    for (const std::uint32_t client : std::vector<std::uint32_t>(clients->second)) remove(client, entry);
  }
  // Any one of a client's entries; nullopt when it has none.
  std::optional<std::uint32_t> any_of(std::uint32_t client) const {
    const auto entries = by_client_.find(client);
    if (entries == by_client_.end()) return std::nullopt;
    return *entries->second.begin();
  }
  bool holds(std::uint32_t entry) const { return by_entry_.contains(entry); }

 private:
  std::unordered_map<std::uint32_t, std::unordered_set<std::uint32_t>> by_client_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> by_entry_;
};

}  // namespace mobula::objects
