#include "client/functions.h"

#include <mutex>

#include "base/error.h"
#include "mobula/functions.h"
#include "tasks/task_spec.h"

namespace mobula::client {
namespace {

std::array<std::byte, kTargetBytesMax> padded(const void *target, std::size_t target_bytes) {
  if (target_bytes > kTargetBytesMax) throw base::Fault("a function pointer of more than 16 bytes was registered");
  std::array<std::byte, kTargetBytesMax> bytes{};
  std::memcpy(bytes.data(), target, target_bytes);
  return bytes;
}

}  // namespace

Functions &Functions::instance() {
  static Functions *const functions = new Functions;
  return *functions;
}

void Functions::add(std::string_view name, const void *target, std::size_t target_bytes, Invoker invoker) {
  const Target bytes = padded(target, target_bytes);
  const std::uint64_t number = tasks::function_number(name);
  const std::unique_lock lock(mutex_);
  const auto [place, is_new] = by_number_.try_emplace(number, Function{std::string(name), bytes, invoker});
  if (!is_new && (place->second.target != bytes || place->second.name != name) && !conflict_) conflict_ = name;
  by_target_.try_emplace({bytes, invoker}, number);
}

std::uint64_t Functions::number_of(const void *target, std::size_t target_bytes, Invoker invoker) const {
  const Target bytes = padded(target, target_bytes);
  const std::shared_lock lock(mutex_);
  const auto found = by_target_.find({bytes, invoker});
  return found == by_target_.end() ? 0 : found->second;
}

const Function *Functions::find(std::uint64_t number) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : &found->second;
}

std::vector<std::string> Functions::names() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto &[number, function] : by_number_) names.push_back(function.name);
  return names;
}

std::optional<std::string> Functions::conflict() const {
  const std::shared_lock lock(mutex_);
  return conflict_;
}

}  // namespace mobula::client

namespace mobula::runtime {

Invoker find_invoker(std::string_view name) {
  const client::Function *const function = client::Functions::instance().find(tasks::function_number(name));
  return function == nullptr || function->name != name ? nullptr : function->invoker;
}

std::string function_name(std::uint64_t number) {
  const client::Function *const function = client::Functions::instance().find(number);
  return function == nullptr ? std::string() : function->name;
}

}  // namespace mobula::runtime
