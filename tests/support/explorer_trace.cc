// What a failure prints, and the way back from it: the schedule of one execution.
#include <cstdio>
#include <sstream>
#include <stdexcept>

#include "support/explorer_engine.h"

namespace mobula::support {
namespace {

const char *name_of_kind(OperationKind kind) {
  switch (kind) {
    case OperationKind::kLoad:
      return "load";
    case OperationKind::kStore:
      return "store";
    case OperationKind::kModify:
      return "modify";
    case OperationKind::kCompare:
      return "compare";
    case OperationKind::kFence:
      return "fence";
    case OperationKind::kLock:
      return "lock";
    case OperationKind::kUnlock:
      return "unlock";
    case OperationKind::kSleep:
      return "sleep";
  }
  return "?";
}

const char *name_of_order(const Operation &operation) {
  if (operation.kind == OperationKind::kLock || operation.kind == OperationKind::kUnlock) return "";
  if (operation.kind == OperationKind::kSleep) return "";
  switch (operation.order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "?";
}

std::string hexadecimal(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string values_of(const Operation &operation, const OperationResult &result) {
  switch (operation.kind) {
    case OperationKind::kLoad:
      return hexadecimal(result.value);
    case OperationKind::kStore:
      return "= " + hexadecimal(operation.operand);
    case OperationKind::kModify:
      return hexadecimal(result.value) + " -> " + hexadecimal(operation.modify(result.value, operation.operand));
    case OperationKind::kCompare:
      if (result.succeeded) return hexadecimal(result.value) + " -> " + hexadecimal(operation.operand);
      return hexadecimal(result.value) + " is not " + hexadecimal(operation.expected);
    default:
      return "";
  }
}

}  // namespace

std::string Explorer::name_of(std::uint32_t location) const {
  for (const auto &[address, name] : scenario_.names_) {
    if (address == memory_.address_of(location)) return name;
  }
  return "location " + std::to_string(location);
}

std::string Explorer::line_of(const Step &step) const {
  const bool has_place = step.operation.kind != OperationKind::kFence;
  char text[200];
  std::snprintf(text, sizeof text, "  %-10s %-8s %-8s %-20s %s", scenario_.threads_[step.thread].first.c_str(),
                name_of_kind(step.operation.kind), name_of_order(step.operation),
                has_place ? name_of(step.location).c_str() : "", values_of(step.operation, step.result).c_str());
  std::string line = text;
  if (step.ways > 1) line += " (way " + std::to_string(step.way) + " of " + std::to_string(step.ways) + ")";
  return line + "\n";
}

std::string Explorer::trace() const {
  std::string text;
  for (const Step &step : steps_) text += line_of(step);
  for (std::uint32_t i = 0; i < threads_.size(); ++i) {
    if (threads_[i].has_ended || !threads_[i].is_waiting) continue;
    text += "  " + scenario_.threads_[i].first + " is before: " + name_of_kind(threads_[i].pending.kind) + " " +
            name_of(threads_[i].location) + "\n";
  }
  return text;
}

Exploration Explorer::result() const {
  Exploration exploration;
  exploration.executions = executions_;
  exploration.cut = cut_;
  if (failure_.empty()) return exploration;
  for (const Step &step : steps_) {
    exploration.schedule += (exploration.schedule.empty() ? "" : " ") + std::to_string(step.thread);
    if (step.way != 0) exploration.schedule += "." + std::to_string(step.way);
  }
  exploration.failure = failure_ + "\n" + trace() + "  MOBULA_SCHEDULE=\"" + exploration.schedule + "\"";
  return exploration;
}

Exploration Explorer::run_schedule(const std::string &schedule) {
  is_replay_ = true;
  std::istringstream words(schedule);
  for (std::string word; words >> word;) {
    const std::size_t dot = word.find('.');
    const std::string way = dot == std::string::npos ? "0" : word.substr(dot + 1);
    schedule_.emplace_back(std::stoul(word), static_cast<std::uint16_t>(std::stoul(way)));
  }
  if (run_once() != End::kFailed) failure_ = "nothing is wrong in this execution";
  return result();
}

}  // namespace mobula::support
