// The error half of tasks/task_spec.h.
#include <flatbuffers/flatbuffers.h>

#include <algorithm>

#include "tasks/task_error_generated.h"
#include "tasks/task_spec.h"

namespace mobula::tasks {
namespace {

constexpr int kDepthMax = 8;
constexpr int kTablesMax = 64;

using Builder = flatbuffers::FlatBufferBuilder;
using ErrorOffset = flatbuffers::Offset<flat::TaskError>;

ErrorOffset build(Builder &builder, const Error &error, const std::vector<ErrorOffset> &causes) {
  const auto message = builder.CreateString(error.message);
  const auto function = builder.CreateString(error.function);
  const auto type = builder.CreateString(error.type);
  // What is absent costs nothing.
  flatbuffers::Offset<flatbuffers::String> task;
  flatbuffers::Offset<flatbuffers::Vector<ErrorOffset>> all;
  if (!error.task.empty()) task = builder.CreateString(error.task);
  if (!causes.empty()) all = builder.CreateVector(causes);
  return flat::CreateTaskError(builder, static_cast<std::uint32_t>(error.code), message, function, type, error.pid,
                               error.signal, task, error.started_ns, error.failed_ns, all);
}

std::string text_of(const flatbuffers::String *text) { return text == nullptr ? std::string() : text->str(); }

Error without_causes(const flat::TaskError &flat_error) {
  Error error;
  error.code = static_cast<Code>(flat_error.code());
  error.message = text_of(flat_error.message());
  error.function = text_of(flat_error.function());
  error.type = text_of(flat_error.type());
  error.pid = flat_error.pid();
  error.signal = flat_error.signal();
  error.task = text_of(flat_error.task());
  error.started_ns = flat_error.started_ns();
  error.failed_ns = flat_error.failed_ns();
  return error;
}

}  // namespace

std::span<const std::byte> encode_error(const Error &error) {
  static thread_local Builder builder(1024);
  builder.Clear();
  std::vector<ErrorOffset> causes;
  for (std::size_t i = 0; i < std::min(error.causes.size(), kCausesMax); ++i) {
    causes.push_back(build(builder, error.causes[i], {}));
  }
  flat::FinishTaskErrorBuffer(builder, build(builder, error, causes));
  return std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
}

std::optional<Error> decode_error(std::span<const std::byte> bytes) {
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t *>(bytes.data()), bytes.size(), kDepthMax,
                                 kTablesMax);
  if (!flat::VerifyTaskErrorBuffer(verifier)) return std::nullopt;
  const flat::TaskError &flat_error = *flat::GetTaskError(bytes.data());
  Error error = without_causes(flat_error);
  if (const auto *causes = flat_error.causes()) {
    if (causes->size() > kCausesMax) return std::nullopt;
    for (const flat::TaskError *cause : *causes) error.causes.push_back(without_causes(*cause));
  }
  return error;
}

}  // namespace mobula::tasks
