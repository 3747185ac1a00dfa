#include "tasks/task_spec.h"

#include <flatbuffers/flatbuffers.h>

#include <cmath>

#include "tasks/task_spec_generated.h"

namespace mobula::tasks {
namespace {

constexpr int kDepthMax = 8;
constexpr int kTablesMax = 4096;

flatbuffers::FlatBufferBuilder &fresh_builder() {
  static thread_local flatbuffers::FlatBufferBuilder builder(1024);
  builder.Clear();
  return builder;
}

std::span<const std::byte> finished(const flatbuffers::FlatBufferBuilder &builder) {
  return std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
}

flatbuffers::Verifier verifier_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const std::uint8_t *>(bytes.data()), bytes.size(), kDepthMax, kTablesMax};
}

flat::Name to_flat(const refs::ObjectName &name) { return {name.generation, name.entry}; }
refs::ObjectName from_flat(const flat::Name &name) { return {name.entry(), name.generation()}; }

flatbuffers::Offset<flat::Argument> build(flatbuffers::FlatBufferBuilder &builder, const ArgumentToEncode &argument) {
  const bool by_reference = argument.reference.entry != segment::kNoEntry;
  const flat::Name reference = to_flat(argument.reference);
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> value;
  flatbuffers::Offset<flatbuffers::Vector<const flat::Name *>> contained;
  if (!by_reference) {
    builder.ForceVectorAlignment(argument.value.size(), 1, 8);
    value = builder.CreateVector(reinterpret_cast<const std::uint8_t *>(argument.value.data()), argument.value.size());
  }
  if (!argument.contained.empty()) {
    contained = builder.CreateVectorOfStructs<flat::Name>(
        argument.contained.size(), [&](std::size_t i, flat::Name *name) { *name = to_flat(argument.contained[i]); });
  }
  return flat::CreateArgument(builder, by_reference ? &reference : nullptr, value, argument.format, contained);
}

ArgumentView view_of(const flat::Argument &argument) {
  ArgumentView view;
  if (argument.reference() != nullptr) view.reference = from_flat(*argument.reference());
  if (const auto *value = argument.value()) {
    view.value = {reinterpret_cast<const std::byte *>(value->data()), value->size(), argument.format()};
  }
  if (const auto *contained = argument.contained()) {
    view.contained.reserve(contained->size());
    for (const flat::Name *name : *contained) view.contained.push_back(from_flat(*name));
  }
  return view;
}

std::string text_of(const flatbuffers::String *text) { return text == nullptr ? std::string() : text->str(); }

// Ray counts resources in these parts of one.
constexpr double kUnitsPerResource = 10'000;

using Builder = flatbuffers::FlatBufferBuilder;

flatbuffers::Offset<flat::Options> build_options(Builder &builder, const runtime::TaskOptions &options) {
  std::vector<flatbuffers::Offset<flat::Resource>> resources;
  for (const runtime::Resource &resource : options.resources) {
    const auto units = static_cast<std::uint64_t>(std::llround(resource.quantity * kUnitsPerResource));
    resources.push_back(flat::CreateResource(builder, builder.CreateString(resource.name), units));
  }
  const auto name = builder.CreateString(options.name);
  const auto group = builder.CreateString(options.placement_group);
  const auto runtime_env = builder.CreateString(options.runtime_env);
  return flat::CreateOptions(builder, name, options.deadline_ms, options.retry_exceptions,
                             builder.CreateVector(resources), group, options.bundle, runtime_env);
}

flatbuffers::Offset<flat::Creation> build_creation(Builder &builder, const runtime::ActorOptions &actor) {
  const auto name = builder.CreateString(actor.name);
  const auto name_space = builder.CreateString(actor.name_space);
  return flat::CreateCreation(builder, name, name_space, actor.restarts_max, actor.concurrency,
                              actor.detached.value_or(false));
}

runtime::TaskOptions options_of(const flat::Options &options) {
  runtime::TaskOptions all;
  all.name = text_of(options.name());
  all.deadline_ms = options.deadline_ms();
  all.retry_exceptions = options.retry_exceptions();
  if (const auto *resources = options.resources()) {
    for (const flat::Resource *one : *resources) {
      all.resources.push_back({text_of(one->name()), static_cast<double>(one->units()) / kUnitsPerResource});
    }
  }
  all.placement_group = text_of(options.placement_group());
  all.bundle = options.bundle();
  all.runtime_env = text_of(options.runtime_env());
  return all;
}

Creation creation_of(const flat::Creation &creation) {
  return {text_of(creation.name()), text_of(creation.name_space()), creation.restarts_max(), creation.concurrency(),
          creation.detached()};
}

}  // namespace

std::span<const std::byte> encode_spec(std::uint64_t function, std::uint32_t retries,
                                       std::span<const ArgumentToEncode> arguments, const SpecToEncode &more) {
  flatbuffers::FlatBufferBuilder &builder = fresh_builder();
  static thread_local std::vector<flatbuffers::Offset<flat::Argument>> built;
  built.clear();
  for (const ArgumentToEncode &argument : arguments) built.push_back(build(builder, argument));
  const auto all = builder.CreateVector(built);
  flatbuffers::Offset<flat::Options> options;
  flatbuffers::Offset<flat::Creation> creation;
  if (more.options != nullptr) options = build_options(builder, *more.options);
  if (more.creation != nullptr) creation = build_creation(builder, *more.creation);
  const flat::Name actor = to_flat(more.actor);
  const bool is_call = more.actor.entry != segment::kNoEntry;
  flat::FinishTaskSpecBuffer(builder, flat::CreateTaskSpec(builder, function, all, retries, 0, options, creation,
                                                           is_call ? &actor : nullptr, more.instance_offset));
  return finished(builder);
}

std::optional<TaskSpec> decode_spec(std::span<const std::byte> bytes) {
  flatbuffers::Verifier verifier = verifier_of(bytes);
  if (!flat::VerifyTaskSpecBuffer(verifier)) return std::nullopt;
  const flat::TaskSpec &flat_spec = *flat::GetTaskSpec(bytes.data());
  TaskSpec spec;
  spec.function = flat_spec.function();
  spec.retries = flat_spec.retries();
  spec.site = flat_spec.site();
  if (flat_spec.options() != nullptr) spec.options = options_of(*flat_spec.options());
  if (flat_spec.creation() != nullptr) spec.creation = creation_of(*flat_spec.creation());
  if (flat_spec.actor() != nullptr) spec.actor = from_flat(*flat_spec.actor());
  spec.instance_offset = flat_spec.instance_offset();
  if (const auto *arguments = flat_spec.arguments()) {
    if (arguments->size() > base::kArgumentsMax) return std::nullopt;
    spec.arguments.reserve(arguments->size());
    for (const flat::Argument *argument : *arguments) spec.arguments.push_back(view_of(*argument));
  }
  return spec;
}

std::uint64_t function_number(std::string_view name) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211ull;
  return hash == 0 ? 1 : hash;
}

}  // namespace mobula::tasks
