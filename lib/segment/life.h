// segment/life.h: lets the kernel tell every sleeper that the raylet has died.
//   Layout     life words in shared memory, and for each a node in private memory at a constant distance from it: the
//              robust-futex list of the raylet's only thread (man 2 set_robust_list)
//   Threads    thread-bound: the thread that made it. A second one in the same thread replaces the first
//   Crash      that is what it is for: on the thread's death the kernel sets FUTEX_OWNER_DIED in each word and wakes
//              one of its sleepers. A word for each client: a woken process may die before it could wake another one
//   Cost       add: O(1); remove: O(words)
#pragma once

#include <cstddef>
#include <cstdint>

#include "segment/layout.h"

namespace mobula::segment {

// The kernel walks no more than 2,048 nodes; clients beyond that wait on the shared word, which they pass on.
constexpr std::uint32_t kLifeWordsMax = 2'000;

class Life {
 public:
  // `shared` is on the list from now on. Words to add() lie above it, at most `span_bytes` away.
  explicit Life(Half *shared, std::size_t span_bytes = 0);
  Life(const Life &) = delete;
  Life &operator=(const Life &) = delete;
  ~Life();

  // Makes it a life word. REQUIRES: it is none. False, and the word is 0, when there are kLifeWordsMax of them.
  bool add(Half *word);
  // REQUIRES: nobody waits on it any more.
  void remove(Half *word);
  // The tidy end: marks the raylet as gone in every word and wakes everybody.
  void end();

 private:
  struct Node {
    Node *next;  // null while its word is not on the list
  };
  Node *node_of(const Half *word) const;
  void put_first(Node *after, Half *word);

  Half *const shared_;
  const std::size_t nodes_bytes_;
  std::byte *nodes_ = nullptr;
  std::uint32_t words_ = 0;
};

}  // namespace mobula::segment
