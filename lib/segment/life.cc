#include "segment/life.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "segment/bell.h"

namespace mobula::segment {
namespace {

// The kernel reads it when the thread ends, so it lives as long as the thread.
thread_local robust_list_head head;

}  // namespace

Life::Life(Half *shared, std::size_t span_bytes) : shared_(shared), nodes_bytes_(span_bytes + kPageBytes) {
  // As large as the words are apart, but only the pages of living clients are ever touched.
  void *const memory =
      mmap(nullptr, nodes_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) base::throw_errno("mmap of the life list");
  nodes_ = static_cast<std::byte *>(memory);
  head.list.next = &head.list;
  head.list_op_pending = nullptr;
  head.futex_offset = reinterpret_cast<std::intptr_t>(shared) - reinterpret_cast<std::intptr_t>(nodes_);
  if (syscall(SYS_set_robust_list, &head, sizeof head) != 0) base::throw_errno("set_robust_list");
  put_first(reinterpret_cast<Node *>(&head.list), shared);
}

Life::~Life() {
  end();  // also when a fault unwinds the raylet: nobody is left asleep
  head.list.next = &head.list;
  munmap(nodes_, nodes_bytes_);
}

Life::Node *Life::node_of(const Half *word) const {
  const auto distance = reinterpret_cast<const std::byte *>(word) - reinterpret_cast<const std::byte *>(shared_);
  return reinterpret_cast<Node *>(nodes_ + distance);
}

void Life::put_first(Node *after, Half *word) {
  // FUTEX_WAITERS stays set, so that the kernel always wakes a sleeper.
  word->store(static_cast<std::uint32_t>(gettid()) | FUTEX_WAITERS, std::memory_order_seq_cst);
  Node *const node = node_of(word);
  node->next = after->next;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // killed between any two stores, the list is whole
  after->next = node;
}

bool Life::add(Half *word) {
  word->store(0, std::memory_order_seq_cst);
  if (words_ == kLifeWordsMax) return false;
  put_first(node_of(shared_), word);  // the shared word stays the first of all
  ++words_;
  return true;
}

void Life::remove(Half *word) {
  // The node tells, not the word, which a client can overwrite.
  Node *const node = node_of(word);
  if (node->next == nullptr) return;
  Node *before = node_of(shared_);
  while (before->next != node) before = before->next;
  before->next = node->next;
  node->next = nullptr;
  word->store(0, std::memory_order_seq_cst);
  --words_;
}

void Life::end() {
  const auto *const last = reinterpret_cast<Node *>(&head.list);
  for (Node *node = node_of(shared_); node != last; node = node->next) {
    auto *const word = reinterpret_cast<Half *>(reinterpret_cast<std::byte *>(shared_) +
                                                (reinterpret_cast<std::byte *>(node) - nodes_));
    word->store(FUTEX_OWNER_DIED, std::memory_order_seq_cst);
    wake_all(*word);
  }
}

}  // namespace mobula::segment
