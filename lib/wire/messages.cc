#include "wire/messages.h"

#include <flatbuffers/flatbuffers.h>

#include <cstring>

#include "base/error.h"
#include "wire/control_generated.h"

namespace mobula::wire {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;
using Encoded = std::pair<flat::Body, flatbuffers::Offset<void>>;

constexpr int kDepthMax = 8;
constexpr int kTablesMax = 64;

std::string text_of(const flatbuffers::String *text) { return text == nullptr ? std::string() : text->str(); }

std::vector<std::string> texts_of(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> *texts) {
  std::vector<std::string> copies;
  if (texts == nullptr) return copies;
  for (const auto *text : *texts) copies.push_back(text->str());
  return copies;
}

// One overload for each message: its type in the union and its table.
struct Encode {
  Builder &builder;

  Encoded operator()(const Hello &hello) const {
    const auto functions = builder.CreateVectorOfStrings(hello.functions);
    const auto arguments = builder.CreateVectorOfStrings(hello.arguments);
    const auto name_space = builder.CreateString(hello.name_space);
    return {flat::Body_Hello, flat::CreateHello(builder, hello.layout_version, hello.layout_fingerprint,
                                                static_cast<std::uint32_t>(hello.role), hello.template_number,
                                                functions, arguments, hello.token, name_space)
                                  .Union()};
  }
  Encoded operator()(const Welcome &welcome) const {
    const auto session = builder.CreateString(welcome.session);
    return {flat::Body_Welcome, flat::CreateWelcome(builder, welcome.client_id, welcome.raylet_pid, session).Union()};
  }
  Encoded operator()(const Refused &refused) const {
    return {flat::Body_Refused, flat::CreateRefused(builder, builder.CreateString(refused.message)).Union()};
  }
  Encoded operator()(const StartWorkers &start) const {
    return {flat::Body_StartWorkers, flat::CreateStartWorkers(builder, start.count).Union()};
  }
  Encoded operator()(const WorkerForked &forked) const {
    return {flat::Body_WorkerForked, flat::CreateWorkerForked(builder, forked.pid).Union()};
  }
  Encoded operator()(const WorkersFailed &failed) const {
    const auto message = builder.CreateString(failed.message);
    return {flat::Body_WorkersFailed, flat::CreateWorkersFailed(builder, failed.count, message).Union()};
  }
  Encoded operator()(const Goodbye &) const { return {flat::Body_Goodbye, flat::CreateGoodbye(builder).Union()}; }
  Encoded operator()(const StatusRequest &) const {
    return {flat::Body_StatusRequest, flat::CreateStatusRequest(builder).Union()};
  }
  Encoded operator()(const StatusReply &reply) const {
    return {flat::Body_StatusReply, flat::CreateStatusReply(builder, builder.CreateString(reply.json)).Union()};
  }
  Encoded operator()(const StopRequest &) const {
    return {flat::Body_StopRequest, flat::CreateStopRequest(builder).Union()};
  }
  Encoded operator()(const StopReply &reply) const {
    return {flat::Body_StopReply, flat::CreateStopReply(builder, builder.CreateString(reply.message)).Union()};
  }
  Encoded operator()(const HoldersRequest &) const {
    return {flat::Body_HoldersRequest, flat::CreateHoldersRequest(builder).Union()};
  }
  Encoded operator()(const HoldersReply &reply) const {
    return {flat::Body_HoldersReply, flat::CreateHoldersReply(builder, builder.CreateString(reply.message)).Union()};
  }
  Encoded operator()(const DeleteRequest &request) const {
    return {flat::Body_DeleteRequest, flat::CreateDeleteRequest(builder, request.entry, request.generation).Union()};
  }
  Encoded operator()(const DeleteReply &reply) const {
    const auto message = builder.CreateString(reply.message);
    return {flat::Body_DeleteReply, flat::CreateDeleteReply(builder, reply.deleted, message).Union()};
  }
  Encoded operator()(const PinRequest &request) const {
    return {flat::Body_PinRequest,
            flat::CreatePinRequest(builder, request.entry, request.generation, request.pin).Union()};
  }
  Encoded operator()(const PinReply &reply) const {
    const auto message = builder.CreateString(reply.message);
    return {flat::Body_PinReply, flat::CreatePinReply(builder, reply.done, message).Union()};
  }
  Encoded operator()(const PublishRequest &request) const {
    const auto name = builder.CreateString(request.name);
    return {flat::Body_PublishRequest,
            flat::CreatePublishRequest(builder, name, request.entry, request.generation, request.replace).Union()};
  }
  Encoded operator()(const PublishReply &reply) const {
    const auto message = builder.CreateString(reply.message);
    return {flat::Body_PublishReply, flat::CreatePublishReply(builder, reply.code, message).Union()};
  }
  Encoded operator()(const UnpublishRequest &request) const {
    return {flat::Body_UnpublishRequest,
            flat::CreateUnpublishRequest(builder, builder.CreateString(request.name)).Union()};
  }
  Encoded operator()(const UnpublishReply &reply) const {
    return {flat::Body_UnpublishReply, flat::CreateUnpublishReply(builder, reply.done).Union()};
  }
  Encoded operator()(const EvictRequest &request) const {
    return {flat::Body_EvictRequest, flat::CreateEvictRequest(builder, request.bytes).Union()};
  }
  Encoded operator()(const EvictReply &reply) const {
    return {flat::Body_EvictReply, flat::CreateEvictReply(builder, reply.objects, reply.bytes).Union()};
  }
  Encoded operator()(const CollectRequest &) const {
    return {flat::Body_CollectRequest, flat::CreateCollectRequest(builder).Union()};
  }
  Encoded operator()(const CollectReply &reply) const {
    const auto json = builder.CreateString(reply.json);
    return {flat::Body_CollectReply, flat::CreateCollectReply(builder, reply.objects, reply.bytes, json).Union()};
  }
  Encoded operator()(const FindActorRequest &request) const {
    const auto name = builder.CreateString(request.name);
    const auto name_space = builder.CreateString(request.name_space);
    return {flat::Body_FindActorRequest, flat::CreateFindActorRequest(builder, name, name_space).Union()};
  }
  Encoded operator()(const FindActorReply &reply) const {
    return {flat::Body_FindActorReply,
            flat::CreateFindActorReply(builder, reply.found, reply.entry, reply.generation).Union()};
  }
  Encoded operator()(const NamespaceRequest &) const {
    return {flat::Body_NamespaceRequest, flat::CreateNamespaceRequest(builder).Union()};
  }
  Encoded operator()(const NamespaceReply &reply) const {
    const auto name_space = builder.CreateString(reply.name_space);
    return {flat::Body_NamespaceReply, flat::CreateNamespaceReply(builder, name_space).Union()};
  }
  Encoded operator()(const CancelRequest &request) const {
    return {flat::Body_CancelRequest,
            flat::CreateCancelRequest(builder, request.entry, request.generation, request.force).Union()};
  }
  Encoded operator()(const CancelReply &reply) const {
    const auto message = builder.CreateString(reply.message);
    return {flat::Body_CancelReply, flat::CreateCancelReply(builder, reply.code, message).Union()};
  }
  Encoded operator()(const GroupsRequest &request) const {
    return {flat::Body_GroupsRequest, flat::CreateGroupsRequest(builder, builder.CreateString(request.json)).Union()};
  }
  Encoded operator()(const GroupsReply &reply) const {
    const auto message = builder.CreateString(reply.message);
    const auto json = builder.CreateString(reply.json);
    return {flat::Body_GroupsReply, flat::CreateGroupsReply(builder, reply.code, message, json).Union()};
  }
};

Hello decode_hello(const flat::Hello &hello) {
  return {hello.layout_version(),  hello.layout_fingerprint(),  static_cast<Role>(hello.role()),
          hello.template_number(), texts_of(hello.functions()), texts_of(hello.arguments()),
          hello.token(),           text_of(hello.name_space())};
}

// Requests that came with named objects and actors, and their answers.
std::optional<Message> decode_request(const flat::Frame &frame) {
  switch (frame.body_type()) {
    case flat::Body_PublishRequest: {
      const flat::PublishRequest &request = *frame.body_as_PublishRequest();
      return PublishRequest{text_of(request.name()), request.entry(), request.generation(), request.replace()};
    }
    case flat::Body_PublishReply:
      return PublishReply{frame.body_as_PublishReply()->code(), text_of(frame.body_as_PublishReply()->message())};
    case flat::Body_UnpublishRequest:
      return UnpublishRequest{text_of(frame.body_as_UnpublishRequest()->name())};
    case flat::Body_UnpublishReply:
      return UnpublishReply{frame.body_as_UnpublishReply()->done()};
    case flat::Body_EvictRequest:
      return EvictRequest{frame.body_as_EvictRequest()->bytes()};
    case flat::Body_EvictReply:
      return EvictReply{frame.body_as_EvictReply()->objects(), frame.body_as_EvictReply()->bytes()};
    case flat::Body_CollectRequest:
      return CollectRequest{};
    case flat::Body_CollectReply: {
      const flat::CollectReply &reply = *frame.body_as_CollectReply();
      return CollectReply{reply.objects(), reply.bytes(), text_of(reply.json())};
    }
    case flat::Body_FindActorRequest: {
      const flat::FindActorRequest &request = *frame.body_as_FindActorRequest();
      return FindActorRequest{text_of(request.name()), text_of(request.name_space())};
    }
    case flat::Body_FindActorReply: {
      const flat::FindActorReply &reply = *frame.body_as_FindActorReply();
      return FindActorReply{reply.found(), reply.entry(), reply.generation()};
    }
    case flat::Body_NamespaceRequest:
      return NamespaceRequest{};
    case flat::Body_NamespaceReply:
      return NamespaceReply{text_of(frame.body_as_NamespaceReply()->name_space())};
    case flat::Body_CancelRequest: {
      const flat::CancelRequest &request = *frame.body_as_CancelRequest();
      return CancelRequest{request.entry(), request.generation(), request.force()};
    }
    case flat::Body_CancelReply:
      return CancelReply{frame.body_as_CancelReply()->code(), text_of(frame.body_as_CancelReply()->message())};
    case flat::Body_GroupsRequest:
      return GroupsRequest{text_of(frame.body_as_GroupsRequest()->json())};
    case flat::Body_GroupsReply: {
      const flat::GroupsReply &reply = *frame.body_as_GroupsReply();
      return GroupsReply{reply.code(), text_of(reply.message()), text_of(reply.json())};
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string encode(const Message &message) {
  Builder builder(256);
  const auto [type, body] = std::visit(Encode{builder}, message);
  flat::FinishFrameBuffer(builder, flat::CreateFrame(builder, type, body));
  if (builder.GetSize() > base::kFrameBytesMax) throw base::Fault("a control message is larger than a frame may be");
  const std::uint32_t bytes = builder.GetSize();
  std::string frame(kFrameHeaderBytes, '\0');
  std::memcpy(frame.data(), &bytes, sizeof bytes);
  frame.append(reinterpret_cast<const char *>(builder.GetBufferPointer()), bytes);
  return frame;
}

std::optional<Message> decode(std::span<const char> body) {
  const auto *bytes = reinterpret_cast<const std::uint8_t *>(body.data());
  flatbuffers::Verifier verifier(bytes, body.size(), kDepthMax, kTablesMax);
  if (!flat::VerifyFrameBuffer(verifier)) return std::nullopt;
  const flat::Frame &frame = *flat::GetFrame(bytes);
  if (frame.body() == nullptr) return std::nullopt;
  switch (frame.body_type()) {
    case flat::Body_Hello:
      return decode_hello(*frame.body_as_Hello());
    case flat::Body_Welcome: {
      const flat::Welcome &welcome = *frame.body_as_Welcome();
      return Welcome{welcome.client_id(), welcome.raylet_pid(), text_of(welcome.session())};
    }
    case flat::Body_Refused:
      return Refused{text_of(frame.body_as_Refused()->message())};
    case flat::Body_StartWorkers:
      return StartWorkers{frame.body_as_StartWorkers()->count()};
    case flat::Body_WorkerForked:
      return WorkerForked{frame.body_as_WorkerForked()->pid()};
    case flat::Body_WorkersFailed:
      return WorkersFailed{frame.body_as_WorkersFailed()->count(), text_of(frame.body_as_WorkersFailed()->message())};
    case flat::Body_Goodbye:
      return Goodbye{};
    case flat::Body_StatusRequest:
      return StatusRequest{};
    case flat::Body_StatusReply:
      return StatusReply{text_of(frame.body_as_StatusReply()->json())};
    case flat::Body_StopRequest:
      return StopRequest{};
    case flat::Body_StopReply:
      return StopReply{text_of(frame.body_as_StopReply()->message())};
    case flat::Body_HoldersRequest:
      return HoldersRequest{};
    case flat::Body_HoldersReply:
      return HoldersReply{text_of(frame.body_as_HoldersReply()->message())};
    case flat::Body_DeleteRequest:
      return DeleteRequest{frame.body_as_DeleteRequest()->entry(), frame.body_as_DeleteRequest()->generation()};
    case flat::Body_DeleteReply:
      return DeleteReply{frame.body_as_DeleteReply()->deleted(), text_of(frame.body_as_DeleteReply()->message())};
    case flat::Body_PinRequest: {
      const flat::PinRequest &request = *frame.body_as_PinRequest();
      return PinRequest{request.entry(), request.generation(), request.pin()};
    }
    case flat::Body_PinReply:
      return PinReply{frame.body_as_PinReply()->done(), text_of(frame.body_as_PinReply()->message())};
    default:
      return decode_request(frame);
  }
}

}  // namespace mobula::wire
