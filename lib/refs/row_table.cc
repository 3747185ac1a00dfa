#include "refs/row_table.h"

#include <mutex>

#include "base/error.h"

namespace mobula::refs {

void RowTable::add_chunk(segment::Row *rows) {
  const std::lock_guard lock(mutex_);
  if (chunks_count_ == base::kRowChunksMax) throw base::Fault("more row chunks than a handle table has");
  chunks_[chunks_count_++] = rows;
}

std::uint32_t RowTable::chunks() const {
  const std::lock_guard lock(mutex_);
  return chunks_count_;
}

std::uint32_t RowTable::allocate() {
  const std::lock_guard lock(mutex_);
  if (!free_.empty()) {
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }
  return never_used_ < rows_before_chunk(chunks_count_) ? never_used_++ : kNone;
}

void RowTable::release(std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  free_.push_back(number);
}

std::size_t RowTable::in_use() const {
  const std::lock_guard lock(mutex_);
  return never_used_ - free_.size();
}

segment::Row &RowTable::row(std::uint32_t number) const {
  const std::uint32_t chunk = chunk_of_row(number);
  return chunks_[chunk][number - rows_before_chunk(chunk)];
}

}  // namespace mobula::refs
