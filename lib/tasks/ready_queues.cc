#include "tasks/ready_queues.h"

namespace mobula::tasks {

std::uint64_t ReadyQueues::name_of(std::uint32_t task) const {
  return (std::uint64_t{tasks_[task].home} << 32) | tasks_[task].job;
}

void ReadyQueues::push_back(ReadyRing &ring, std::uint32_t task) {
  tasks_.push_back(queue_for(ring, task).list, task);
  ++ring.count;
}

void ReadyQueues::push_front(ReadyRing &ring, std::uint32_t task) {
  tasks_.push_front(queue_for(ring, task).list, task);
  ++ring.count;
}

std::uint32_t ReadyQueues::pop(ReadyRing &ring) {
  const std::uint32_t queue = ring.turn;
  ring.turn = queues_[queue].next;
  const std::uint32_t task = queues_[queue].list.first;
  remove(ring, task);
  return task;
}

void ReadyQueues::remove(ReadyRing &ring, std::uint32_t task) {
  const std::uint32_t queue = names_.index_of(name_of(task));
  tasks_.unlink(queues_[queue].list, task);
  --ring.count;
  if (queues_[queue].list.count == 0) {
    leave(ring, queue);
  }
}

ReadyQueues::JobQueue &ReadyQueues::queue_for(ReadyRing &ring, std::uint32_t task) {
  const std::uint64_t name = name_of(task);
  std::uint32_t queue = names_.index_of(name);
  if (queue == kNoIndex) {
    queue = queues_.take();
    queues_[queue].name = name;
    names_.insert(name, queue);
    join(ring, queue);
  }
  return queues_[queue];
}

// A job that comes back waits until all others had their turn.
void ReadyQueues::join(ReadyRing &ring, std::uint32_t queue) {
  JobQueue &joined = queues_[queue];
  if (ring.turn == kNoIndex) {
    joined.previous = joined.next = ring.turn = queue;
    return;
  }
  joined.next = ring.turn;
  joined.previous = queues_[ring.turn].previous;
  queues_[joined.previous].next = queue;
  queues_[ring.turn].previous = queue;
}

void ReadyQueues::leave(ReadyRing &ring, std::uint32_t queue) {
  const JobQueue &left = queues_[queue];
  if (left.next == queue) {
    ring.turn = kNoIndex;
  } else {
    if (ring.turn == queue) {
      ring.turn = left.next;
    }
    queues_[left.previous].next = left.next;
    queues_[left.next].previous = left.previous;
  }
  names_.erase(left.name);
  queues_.release(queue);
}

}  // namespace mobula::tasks
