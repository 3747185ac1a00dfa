// tasks/task_spec.h: task specs and task errors, to bytes and back.
//   Threads    any thread
//   Errors     decoding verifies size, depth and every offset, in release builds, too; bad bytes give an empty optional
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mobula/runtime.h"
#include "refs/state_word.h"

namespace mobula::tasks {

// One argument as it lies in a verified spec; pointers go into the spec's bytes.
struct ArgumentView {
  refs::ObjectName reference;  // entry == kNoEntry: by value
  Bytes value;
  std::vector<refs::ObjectName> contained;
};

// Of a task that makes an actor.
struct Creation {
  std::string name;
  std::string name_space;
  std::int32_t restarts_max = 0;
  std::uint32_t concurrency = 1;
  bool detached = false;
};

struct TaskSpec {
  std::uint64_t function = 0;
  std::uint32_t retries = 0;
  std::uint32_t site = 0;
  std::vector<ArgumentView> arguments;
  std::optional<runtime::TaskOptions> options;  // none: all as by default; its retries mean nothing
  std::optional<Creation> creation;
  refs::ObjectName actor;  // of a call; entry == kNoEntry: none
  std::int32_t instance_offset = 0;
};

// What encode_spec needs to know of one argument.
struct ArgumentToEncode {
  refs::ObjectName reference;
  std::span<const std::byte> value;
  Format format = 0;
  std::span<const refs::ObjectName> contained;
};

// What a task is beside its function and arguments.
struct SpecToEncode {
  const runtime::TaskOptions *options = nullptr;    // null: all as by default
  const runtime::ActorOptions *creation = nullptr;  // set: the task makes an actor
  refs::ObjectName actor;                           // set: the task is a call of it
  std::int32_t instance_offset = 0;
};

// The bytes stay valid until the next call on the same thread.
std::span<const std::byte> encode_spec(std::uint64_t function, std::uint32_t retries,
                                       std::span<const ArgumentToEncode> arguments, const SpecToEncode &more = {});
std::optional<TaskSpec> decode_spec(std::span<const std::byte> bytes);

constexpr std::size_t kCausesMax = 8;  // of one error; what lies deeper is left out

// The causes are written without causes of their own. The bytes stay valid until the next call on the same thread.
std::span<const std::byte> encode_error(const Error &error);
std::optional<Error> decode_error(std::span<const std::byte> bytes);

// The number of a function's name (FNV-1a, 64 bits), never 0.
std::uint64_t function_number(std::string_view name);

}  // namespace mobula::tasks
