// tasks/number_table.h: finds the table index that belongs to a 64-bit number; open addressing, nothing allocated per
// number.
//   Threads    thread-bound
//   Ownership  plain value; holds indices, not the things behind them
//   Cost       O(1) expected, amortised over growth; 16 bytes a cell, at most two thirds of the cells in use
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mobula::tasks {

// "No such index" in every table of this layer.
inline constexpr std::uint32_t kNoIndex = UINT32_MAX;

class NumberTable {
 public:
  // The place of `number`'s index, or null. Valid until the next insert or erase.
  [[nodiscard]] std::uint32_t *find(std::uint64_t number);
  [[nodiscard]] const std::uint32_t *find(std::uint64_t number) const {
    return const_cast<NumberTable *>(this)->find(number);
  }

  // The index of `number`, or kNoIndex.
  [[nodiscard]] std::uint32_t index_of(std::uint64_t number) const {
    const std::uint32_t *found = find(number);
    return found == nullptr ? kNoIndex : *found;
  }

  // Adds `number`. REQUIRES: not present; index != kNoIndex.
  void insert(std::uint64_t number, std::uint32_t index);

  // Forgets `number`; nothing happens if it is unknown.
  void erase(std::uint64_t number);

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Cell {
    std::uint64_t number = 0;
    std::uint32_t index = kNoIndex;
  };

  std::size_t first_cell(std::uint64_t number) const;
  void grow();

  std::vector<Cell> cells_;  // a power of two, or empty
  std::size_t size_ = 0;
};

}  // namespace mobula::tasks
