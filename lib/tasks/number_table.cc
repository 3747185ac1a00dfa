#include "tasks/number_table.h"

#include <utility>

namespace mobula::tasks {

namespace {
constexpr std::size_t kCellsMin = 64;

// Numbers come in sequences; linear probing wants them scattered.
std::uint64_t scatter(std::uint64_t number) {
  number ^= number >> 32;
  number *= 0xd6e8feb86659fd93U;
  number ^= number >> 32;
  return number;
}
}  // namespace

std::size_t NumberTable::first_cell(std::uint64_t number) const {
  return static_cast<std::size_t>(scatter(number)) & (cells_.size() - 1);
}

std::uint32_t *NumberTable::find(std::uint64_t number) {
  if (size_ == 0) {
    return nullptr;
  }
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t at = first_cell(number); cells_[at].index != kNoIndex; at = (at + 1) & mask) {
    if (cells_[at].number == number) {
      return &cells_[at].index;
    }
  }
  return nullptr;
}

void NumberTable::insert(std::uint64_t number, std::uint32_t index) {
  if ((size_ + 1) * 3 > cells_.size() * 2) {
    grow();
  }
  const std::size_t mask = cells_.size() - 1;
  std::size_t at = first_cell(number);
  while (cells_[at].index != kNoIndex) {
    at = (at + 1) & mask;
  }
  cells_[at] = {number, index};
  ++size_;
}

void NumberTable::erase(std::uint64_t number) {
  const std::uint32_t *found = find(number);
  if (found == nullptr) {
    return;
  }
  const std::size_t mask = cells_.size() - 1;
  std::size_t hole = first_cell(number);
  while (&cells_[hole].index != found) {
    hole = (hole + 1) & mask;
  }
  // Later cells of the run move back into the hole, so that no search ends early and no tombstone is needed.
  for (std::size_t at = (hole + 1) & mask; cells_[at].index != kNoIndex; at = (at + 1) & mask) {
    const std::size_t home = first_cell(cells_[at].number);
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      cells_[hole] = cells_[at];
      hole = at;
    }
  }
  cells_[hole].index = kNoIndex;
  --size_;
}

void NumberTable::grow() {
  std::vector<Cell> old(cells_.empty() ? kCellsMin : cells_.size() * 2);
  std::swap(old, cells_);
  size_ = 0;
  for (const Cell &cell : old) {
    if (cell.index != kNoIndex) {
      insert(cell.number, cell.index);
    }
  }
}

}  // namespace mobula::tasks
