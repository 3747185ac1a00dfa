#include "tasks/task_table.h"

namespace mobula::tasks {

std::uint32_t TaskTable::add(TaskNumber number, JobNumber job) {
  const std::uint32_t task = records_.take();
  records_[task].number = number;
  records_[task].job = job;
  ++counts_[static_cast<std::size_t>(TaskState::kWaiting)];
  numbers_.insert(number, task);
  join_job(task);
  return task;
}

void TaskTable::remove(std::uint32_t task) {
  leave_job(task);
  --counts_[static_cast<std::size_t>(records_[task].state)];
  numbers_.erase(records_[task].number);
  records_.release(task);
}

void TaskTable::join_job(std::uint32_t task) {
  TaskRecord &record = records_[task];
  const std::uint32_t oldest = jobs_.index_of(record.job);
  if (oldest == kNoIndex) {
    record.job_previous = record.job_next = task;
    jobs_.insert(record.job, task);
    return;
  }
  record.job_next = oldest;
  record.job_previous = records_[oldest].job_previous;
  records_[record.job_previous].job_next = task;
  records_[oldest].job_previous = task;
}

void TaskTable::leave_job(std::uint32_t task) {
  TaskRecord &record = records_[task];
  if (record.job_next == kNoIndex) {
    return;
  }
  if (record.job_next == task) {
    jobs_.erase(record.job);
  } else {
    std::uint32_t *oldest = jobs_.find(record.job);
    if (*oldest == task) {
      *oldest = record.job_next;
    }
    records_[record.job_previous].job_next = record.job_next;
    records_[record.job_next].job_previous = record.job_previous;
  }
  record.job_previous = record.job_next = kNoIndex;
}

void TaskTable::set_state(std::uint32_t task, TaskState state) {
  --counts_[static_cast<std::size_t>(records_[task].state)];
  ++counts_[static_cast<std::size_t>(state)];
  records_[task].state = state;
}

void TaskTable::push_back(TaskList &list, std::uint32_t task) {
  records_[task].previous = list.last;
  records_[task].next = kNoIndex;
  (list.last == kNoIndex ? list.first : records_[list.last].next) = task;
  list.last = task;
  ++list.count;
}

void TaskTable::push_front(TaskList &list, std::uint32_t task) {
  records_[task].previous = kNoIndex;
  records_[task].next = list.first;
  (list.first == kNoIndex ? list.last : records_[list.first].previous) = task;
  list.first = task;
  ++list.count;
}

void TaskTable::unlink(TaskList &list, std::uint32_t task) {
  TaskRecord &record = records_[task];
  (record.previous == kNoIndex ? list.first : records_[record.previous].next) = record.next;
  (record.next == kNoIndex ? list.last : records_[record.next].previous) = record.previous;
  record.previous = record.next = kNoIndex;
  --list.count;
}

}  // namespace mobula::tasks
