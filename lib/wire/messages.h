// wire/messages.h: the control socket's messages as plain structs; no FlatBuffers type passes beyond wire/.
//   Errors     decode verifies, in release builds, too; bad bytes give an empty optional
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/limits.h"

namespace mobula::wire {

enum class Role : std::uint32_t { kDriver = 1, kWorker = 2, kTemplate = 3, kTool = 4 };

struct Hello {
  std::uint32_t layout_version = 0;
  std::uint32_t layout_fingerprint = 0;
  Role role = Role::kTool;
  std::uint32_t template_number = 0;
  std::vector<std::string> functions;
  std::vector<std::string> arguments;
  std::uint64_t token = 0;
  std::string name_space;  // of a driver's job
};
struct Welcome {
  std::uint32_t client_id = 0;  // of a driver or worker; a template's number
  std::int32_t raylet_pid = 0;
  std::string session;
};
struct Refused {
  std::string message;
};
struct StartWorkers {
  std::uint32_t count = 0;
};
// From a template: one worker was forked; it will say hello itself.
struct WorkerForked {
  std::int32_t pid = 0;
};
struct WorkersFailed {
  std::uint32_t count = 0;
  std::string message;
};
// From a client that has given its mapping up: it may be reaped at once, though its process lives on.
struct Goodbye {};
struct StatusRequest {};
struct StatusReply {
  std::string json;
};
struct StopRequest {};
struct StopReply {
  std::string message;
};
struct HoldersRequest {};
struct HoldersReply {
  std::string message;
};
struct DeleteRequest {
  std::uint32_t entry = 0;
  std::uint64_t generation = 0;
};
struct DeleteReply {
  bool deleted = false;
  std::string message;
};

// The session itself pins the object, or lets it go.
struct PinRequest {
  std::uint32_t entry = 0;
  std::uint64_t generation = 0;
  bool pin = true;
};
struct PinReply {
  bool done = false;
  std::string message;
};

// A name of the session for the object, until it is taken off or the object is freed.
struct PublishRequest {
  std::string name;
  std::uint32_t entry = 0;
  std::uint64_t generation = 0;
  bool replace = false;
};
struct PublishReply {
  std::uint32_t code = 0;  // mobula::Code
  std::string message;
};
struct UnpublishRequest {
  std::string name;
};
struct UnpublishReply {
  bool done = false;
};
// The eviction pass, now: until so many bytes are freed, or nothing more may be.
struct EvictRequest {
  std::uint64_t bytes = 0;
};
struct EvictReply {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};
// The mark pass, now.
struct CollectRequest {};
struct CollectReply {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::string json;  // the first of the freed objects: [{"id", "size", "creator_pid"}]
};
// The living actor of that name; "" as namespace: that of the job of whoever asks.
struct FindActorRequest {
  std::string name;
  std::string name_space;
};
struct FindActorReply {
  bool found = false;
  std::uint32_t entry = 0;
  std::uint64_t generation = 0;
};
// The namespace of the job of whoever asks.
struct NamespaceRequest {};
struct NamespaceReply {
  std::string name_space;
};
// Ends the task that makes the object.
struct CancelRequest {
  std::uint32_t entry = 0;
  std::uint64_t generation = 0;
  bool force = false;
};
struct CancelReply {
  std::uint32_t code = 0;  // mobula::Code
  std::string message;
};
// Of placement groups: what is to be done is in the text (client/session_groups.cc, raylet/groups.cc).
struct GroupsRequest {
  std::string json;
};
struct GroupsReply {
  std::uint32_t code = 0;  // mobula::Code
  std::string message;
  std::string json;
};

// clang-format off
using Message = std::variant<Hello, Welcome, Refused, StartWorkers, WorkerForked, WorkersFailed, Goodbye, StatusRequest,
                             StatusReply, StopRequest, StopReply, HoldersRequest, HoldersReply, DeleteRequest,
                             DeleteReply, PinRequest, PinReply, PublishRequest, PublishReply, UnpublishRequest,
                             UnpublishReply, EvictRequest, EvictReply, CollectRequest, CollectReply,
                             FindActorRequest, FindActorReply, NamespaceRequest, NamespaceReply,
                             CancelRequest, CancelReply, GroupsRequest, GroupsReply>;
// clang-format on

// A frame on the socket: this many bytes of length (little-endian), then as many as it says, at most kFrameBytesMax.
constexpr std::size_t kFrameHeaderBytes = 4;
constexpr std::size_t kDescriptorsMax = 4;

// The whole frame, length included. REQUIRES: the message fits kFrameBytesMax.
std::string encode(const Message &message);
// The body of a frame, without its length.
std::optional<Message> decode(std::span<const char> body);

}  // namespace mobula::wire
