// support/scheduled_atom.h: atomics, a lock and a fence whose every operation is decided by an explorer.
//   Layout     ScheduledAtomic<T> has size and alignment of T and holds the latest value: it may lie in the segment.
//              The older values lie in a table beside it (support/memory_model.h), made anew for each execution
//   Threads    threads are those of a Scenario (support/explorer.h). Outside of them, in preparation and in checks, an
//              operation is a plain access to the latest value, and a lock does nothing
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace mobula::support {

enum class OperationKind : std::uint8_t { kLoad, kStore, kModify, kCompare, kFence, kLock, kUnlock, kSleep };

struct Operation {
  OperationKind kind = OperationKind::kLoad;
  std::memory_order order = std::memory_order_relaxed;
  std::memory_order failure_order = std::memory_order_relaxed;  // of kCompare
  void *address = nullptr;
  std::uint32_t bytes = 0;
  std::uint64_t operand = 0;   // stored, or given to `modify`
  std::uint64_t expected = 0;  // of kCompare and kSleep
  bool is_weak = false;        // of kCompare: may fail for no reason
  std::uint64_t (*modify)(std::uint64_t value, std::uint64_t operand) = nullptr;
};

struct OperationResult {
  std::uint64_t value = 0;  // what was read
  bool succeeded = true;    // of kCompare
};

// True on a thread of a running scenario.
bool is_scheduled() noexcept;
// Waits until the explorer lets this thread go on, then does it. REQUIRES: is_scheduled().
OperationResult perform(const Operation &operation) noexcept;

constexpr std::memory_order failure_order_of(std::memory_order order) {
  if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
  return order == std::memory_order_release ? std::memory_order_relaxed : order;
}

template <typename T>
class ScheduledAtomic {
  static_assert(std::is_unsigned_v<T> && sizeof(T) <= sizeof(std::uint64_t));

 public:
  static constexpr bool is_always_lock_free = true;

  constexpr ScheduledAtomic() noexcept = default;
  constexpr ScheduledAtomic(T value) noexcept : value_(value) {}  // as std::atomic: not explicit
  ScheduledAtomic(const ScheduledAtomic &) = delete;
  ScheduledAtomic &operator=(const ScheduledAtomic &) = delete;

  T load(std::memory_order order = std::memory_order_seq_cst) const noexcept {
    if (!is_scheduled()) return value_;
    return static_cast<T>(perform(describe(OperationKind::kLoad, order)).value);
  }
  void store(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
    Operation operation = describe(OperationKind::kStore, order);
    operation.operand = value;
    if (is_scheduled()) {
      perform(operation);
    } else {
      value_ = value;
    }
  }
  T exchange(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return modify(value, order, [](std::uint64_t, std::uint64_t operand) { return operand; });
  }
  T fetch_add(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return modify(value, order, [](std::uint64_t old, std::uint64_t operand) { return old + operand; });
  }
  T fetch_sub(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return modify(value, order, [](std::uint64_t old, std::uint64_t operand) { return old - operand; });
  }
  T fetch_and(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return modify(value, order, [](std::uint64_t old, std::uint64_t operand) { return old & operand; });
  }
  T fetch_or(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return modify(value, order, [](std::uint64_t old, std::uint64_t operand) { return old | operand; });
  }
  bool compare_exchange_strong(T &expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
    return compare(expected, desired, success, failure, false);
  }
  bool compare_exchange_strong(T &expected, T desired, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return compare(expected, desired, order, failure_order_of(order), false);
  }
  bool compare_exchange_weak(T &expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
    return compare(expected, desired, success, failure, true);
  }
  bool compare_exchange_weak(T &expected, T desired, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return compare(expected, desired, order, failure_order_of(order), true);
  }

 private:
  Operation describe(OperationKind kind, std::memory_order order) const noexcept {
    Operation operation;
    operation.kind = kind;
    operation.order = order;
    operation.address = const_cast<T *>(&value_);
    operation.bytes = sizeof(T);
    return operation;
  }
  T modify(T operand, std::memory_order order, std::uint64_t (*function)(std::uint64_t, std::uint64_t)) noexcept {
    if (is_scheduled()) {
      Operation operation = describe(OperationKind::kModify, order);
      operation.operand = operand;
      operation.modify = function;
      return static_cast<T>(perform(operation).value);
    }
    const T old = value_;
    value_ = static_cast<T>(function(old, operand));
    return old;
  }
  bool compare(T &expected, T desired, std::memory_order success, std::memory_order failure, bool is_weak) noexcept {
    OperationResult result{value_, value_ == expected};
    if (is_scheduled()) {
      Operation operation = describe(OperationKind::kCompare, success);
      operation.failure_order = failure;
      operation.operand = desired;
      operation.expected = expected;
      operation.is_weak = is_weak;
      result = perform(operation);
    } else if (result.succeeded) {
      value_ = desired;
    }
    if (!result.succeeded) expected = static_cast<T>(result.value);
    return result.succeeded;
  }

  T value_{};
};
static_assert(sizeof(ScheduledAtomic<std::uint64_t>) == 8 && alignof(ScheduledAtomic<std::uint64_t>) == 8);
static_assert(sizeof(ScheduledAtomic<std::uint32_t>) == 4 && std::is_standard_layout_v<ScheduledAtomic<std::uint32_t>>);

class ScheduledMutex {
 public:
  ScheduledMutex() = default;
  ScheduledMutex(const ScheduledMutex &) = delete;
  ScheduledMutex &operator=(const ScheduledMutex &) = delete;
  void lock() noexcept { act(OperationKind::kLock); }
  void unlock() noexcept { act(OperationKind::kUnlock); }

 private:
  void act(OperationKind kind) noexcept {
    if (!is_scheduled()) return;
    Operation operation;
    operation.kind = kind;
    operation.address = &locked_;
    operation.bytes = sizeof locked_;
    perform(operation);
  }

  std::uint32_t locked_ = 0;
};

inline void scheduled_fence(std::memory_order order) noexcept {
  if (!is_scheduled()) return;
  Operation operation;
  operation.kind = OperationKind::kFence;
  operation.order = order;
  perform(operation);
}

// What futex(FUTEX_WAIT) and the wake that follows each change amount to: goes on when the latest value is another.
inline void sleep_while_equal(const ScheduledAtomic<std::uint32_t> &word, std::uint32_t seen) noexcept {
  Operation operation;
  operation.kind = OperationKind::kSleep;
  operation.address = const_cast<ScheduledAtomic<std::uint32_t> *>(&word);
  operation.bytes = sizeof word;
  operation.expected = seen;
  perform(operation);
}

}  // namespace mobula::support
