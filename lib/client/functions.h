// client/functions.h: the functions that this program and its libraries registered, by number and by pointer.
//   Threads    thread-safe: static initialisers of libraries may still run while tasks are submitted
//   Process    one registry a process, filled before main and by dlopen
//   Errors     one name for two functions is remembered and reported by conflict()
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "mobula/runtime.h"

namespace mobula::client {

constexpr std::size_t kTargetBytesMax = 16;  // a member function pointer

struct Function {
  std::string name;
  std::array<std::byte, kTargetBytesMax> target{};  // the pointer's bytes, zero-padded
  Invoker invoker = nullptr;
};

class Functions {
 public:
  // The registry of the process. Never destroyed: static destructors may still submit.
  static Functions &instance();

  void add(std::string_view name, const void *target, std::size_t target_bytes, Invoker invoker);
  // The number for a pointer, 0 when it was never registered. Pointers to virtual members of different classes can have
  // the same bytes; their invokers differ.
  std::uint64_t number_of(const void *target, std::size_t target_bytes, Invoker invoker) const;
  // The function of that number, or null. Valid for the life of the process.
  const Function *find(std::uint64_t number) const;
  std::vector<std::string> names() const;
  // The first name that was registered for two different functions, if any.
  std::optional<std::string> conflict() const;

 private:
  using Target = std::array<std::byte, kTargetBytesMax>;
  struct TypedTarget {
    Target target{};
    Invoker invoker = nullptr;
    friend bool operator==(const TypedTarget &, const TypedTarget &) = default;
  };
  struct TargetHash {
    std::size_t operator()(const TypedTarget &typed) const noexcept {
      std::size_t word = 0;
      std::memcpy(&word, typed.target.data(), sizeof word);
      return word >> 4 ^ reinterpret_cast<std::size_t>(typed.invoker);  // functions are aligned
    }
  };

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::uint64_t, Function> by_number_;
  std::unordered_map<TypedTarget, std::uint64_t, TargetHash> by_target_;
  std::optional<std::string> conflict_;
};

}  // namespace mobula::client
