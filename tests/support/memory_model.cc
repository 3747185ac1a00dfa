#include "support/memory_model.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace mobula::support {
namespace {

bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_consume ||
         order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

// Little-endian, as everything that the segment holds.
std::uint64_t value_at(const void *address, std::uint32_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, address, bytes);
  return value;
}

std::uint64_t cut_to(std::uint64_t value, std::uint32_t bytes) {
  return bytes == sizeof value ? value : value & ((1ull << (bytes * 8)) - 1);
}

template <typename Numbers>
void keep_larger(Numbers &own, const Numbers &other) {
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = std::max(own[i], other[i]);
}

}  // namespace

void View::join_messages(const View &other) { keep_larger(oldest, other.oldest); }

void View::join(const View &other) {
  join_messages(other);
  keep_larger(clocks, other.clocks);
}

void MemoryModel::reset() {
  for (std::uint32_t i = 0; i < locations_count_; ++i) {
    locations_[i].messages_count = 0;
    locations_[i].oldest_for_seq_cst = 0;
  }
  locations_count_ = 0;
  for (std::uint32_t i = 0; i < kThreadsMax; ++i) {
    threads_[i] = {};
    threads_[i].view.clocks[i] = 1;
  }
  fences_ = {};
  cells_.clear();
}

std::uint32_t MemoryModel::location_of(const Operation &operation) {
  for (std::uint32_t i = 0; i < locations_count_; ++i) {
    if (locations_[i].address == operation.address) return i;
  }
  if (locations_count_ == kLocationsMax) throw std::length_error("a scenario with too many locations");
  Location &location = locations_[locations_count_];
  location.address = operation.address;
  location.messages_count = 1;
  if (location.messages.empty()) location.messages.emplace_back();
  location.messages[0] = {value_at(operation.address, operation.bytes), {}};
  return locations_count_++;
}

bool MemoryModel::is_enabled(const Operation &operation, std::uint32_t location) const {
  if (operation.kind == OperationKind::kLock) return locations_[location].last().value == 0;
  if (operation.kind == OperationKind::kSleep) return locations_[location].last().value != operation.expected;
  return true;
}

std::uint16_t MemoryModel::oldest_readable(std::uint32_t thread, std::uint32_t location,
                                           std::memory_order order) const {
  const std::uint16_t oldest = threads_[thread].view.oldest[location];
  if (order != std::memory_order_seq_cst) return oldest;
  return std::max({oldest, locations_[location].oldest_for_seq_cst, fences_.oldest[location]});
}

void MemoryModel::outcomes(std::uint32_t thread, const Operation &operation, std::uint32_t location,
                           bool may_be_spurious, std::vector<Outcome> *all) const {
  all->clear();
  const bool is_compare = operation.kind == OperationKind::kCompare;
  if (operation.kind != OperationKind::kLoad && !is_compare) {
    all->push_back({});
    return;
  }
  const Location &place = locations_[location];
  if (is_compare && place.last().value == operation.expected) {
    all->push_back({Outcome::Kind::kExchange, 0});
    if (operation.is_weak && may_be_spurious) all->push_back({Outcome::Kind::kSpurious, 0});
  }
  const std::memory_order order = is_compare ? operation.failure_order : operation.order;
  const std::uint16_t oldest = oldest_readable(thread, location, order);
  for (auto message = static_cast<std::uint16_t>(place.messages_count); message-- > oldest;) {
    if (is_compare && place.messages[message].value == operation.expected) continue;
    all->push_back({Outcome::Kind::kRead, message});
  }
}

std::uint64_t MemoryModel::read(std::uint32_t thread, std::uint32_t location, std::uint16_t message,
                                std::memory_order order) {
  Thread &reader = threads_[thread];
  Location &place = locations_[location];
  const Message &seen = place.messages[message];
  reader.view.oldest[location] = std::max(reader.view.oldest[location], message);
  if (acquires(order)) reader.view.join(seen.view);
  reader.read.join(seen.view);
  if (order == std::memory_order_seq_cst) place.oldest_for_seq_cst = std::max(place.oldest_for_seq_cst, message);
  return seen.value;
}

void MemoryModel::write(std::uint32_t thread, const Operation &operation, std::uint32_t location, std::uint64_t value,
                        std::memory_order order, bool is_modification) {
  Thread &writer = threads_[thread];
  Location &place = locations_[location];
  const std::uint32_t number = place.messages_count++;
  if (place.messages.size() < place.messages_count) place.messages.emplace_back();
  writer.view.oldest[location] = static_cast<std::uint16_t>(number);
  Message &message = place.messages[number];
  message.value = cut_to(value, operation.bytes);
  message.view = releases(order) ? writer.view : writer.released;
  message.view.oldest[location] = static_cast<std::uint16_t>(number);
  if (is_modification) message.view.join(place.messages[number - 1].view);  // a release sequence goes on
  if (order == std::memory_order_seq_cst) place.oldest_for_seq_cst = static_cast<std::uint16_t>(number);
  std::memcpy(operation.address, &message.value, operation.bytes);
}

void MemoryModel::fence(std::uint32_t thread, std::memory_order order) {
  Thread &own = threads_[thread];
  if (acquires(order)) own.view.join(own.read);
  if (order == std::memory_order_seq_cst) {
    own.view.join_messages(fences_);
    for (std::uint32_t i = 0; i < locations_count_; ++i) {
      own.view.oldest[i] = std::max(own.view.oldest[i], locations_[i].oldest_for_seq_cst);
    }
    fences_.join_messages(own.view);
  }
  if (releases(order)) own.released = own.view;
}

OperationResult MemoryModel::perform(std::uint32_t thread, const Operation &operation, std::uint32_t location,
                                     Outcome outcome) {
  constexpr auto kAcquire = std::memory_order_acquire;
  constexpr auto kRelease = std::memory_order_release;
  OperationResult result;
  const auto last = static_cast<std::uint16_t>(locations_[location].messages_count - 1);
  switch (operation.kind) {
    case OperationKind::kLoad:
      result.value = read(thread, location, outcome.message, operation.order);
      break;
    case OperationKind::kStore:
      write(thread, operation, location, operation.operand, operation.order, false);
      break;
    case OperationKind::kModify:
      result.value = read(thread, location, last, operation.order);
      write(thread, operation, location, operation.modify(result.value, operation.operand), operation.order, true);
      break;
    case OperationKind::kCompare:
      result.succeeded = outcome.kind == Outcome::Kind::kExchange;
      if (result.succeeded) {
        result.value = read(thread, location, last, operation.order);
        write(thread, operation, location, operation.operand, operation.order, true);
      } else {
        const std::uint16_t seen = outcome.kind == Outcome::Kind::kSpurious ? last : outcome.message;
        result.value = read(thread, location, seen, operation.failure_order);
      }
      break;
    case OperationKind::kFence:
      fence(thread, operation.order);
      break;
    case OperationKind::kLock:
      read(thread, location, last, kAcquire);
      write(thread, operation, location, 1, std::memory_order_relaxed, true);
      break;
    case OperationKind::kUnlock:
      write(thread, operation, location, 0, kRelease, false);
      break;
    case OperationKind::kSleep:
      result.value = locations_[location].last().value;
      break;
  }
  ++threads_[thread].view.clocks[thread];
  return result;
}

bool MemoryModel::touch_cell(std::uint32_t thread, const void *cell, bool is_write) {
  const auto found = std::find_if(cells_.begin(), cells_.end(), [&](const auto &each) { return each.cell == cell; });
  CellAccesses &accesses = found == cells_.end() ? cells_.emplace_back() : *found;
  accesses.cell = cell;
  const View &view = threads_[thread].view;
  for (std::uint32_t other = 0; other < kThreadsMax; ++other) {
    if (other == thread) continue;
    const std::uint16_t known = view.clocks[other];
    if (accesses.writes[other] > known || (is_write && accesses.reads[other] > known)) return false;
  }
  (is_write ? accesses.writes : accesses.reads)[thread] = view.clocks[thread];
  return true;
}

}  // namespace mobula::support
