// tasks/slab.h: records addressed by a 32-bit index; a released index is used again first.
//   Threads    thread-bound
//   Ownership  owns its records; an index stays valid until released, a reference only until the next take()
//   Cost       O(1) amortised; memory is kept for reuse
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mobula::tasks {

template <typename Record>
class Slab {
 public:
  // A fresh record's index.
  std::uint32_t take() {
    ++used_;
    if (!released_.empty()) {
      const std::uint32_t index = released_.back();
      released_.pop_back();
      return index;
    }
    records_.emplace_back();
    return static_cast<std::uint32_t>(records_.size() - 1);
  }

  // Gives `index` back; the record is fresh again. REQUIRES: taken.
  void release(std::uint32_t index) {
    records_[index] = Record{};
    released_.push_back(index);
    --used_;
  }

  Record &operator[](std::uint32_t index) { return records_[index]; }
  const Record &operator[](std::uint32_t index) const { return records_[index]; }

  // Records taken and not released.
  [[nodiscard]] std::size_t used() const { return used_; }

  // Every index ever taken is below this.
  [[nodiscard]] std::uint32_t index_end() const { return static_cast<std::uint32_t>(records_.size()); }

 private:
  std::vector<Record> records_;
  std::vector<std::uint32_t> released_;
  std::size_t used_ = 0;
};

}  // namespace mobula::tasks
