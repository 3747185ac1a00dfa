// wire/socket.h: the control socket of a session, as clients, templates and tools use it.
//   Threads    one connection belongs to one thread at a time
//   Errors     conditions as Status: nobody listens, another user's session, the peer has gone
//   Cost       blocking system calls: handshake and rare requests only
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "wire/messages.h"

namespace mobula::wire {

// Where sessions live: $XDG_RUNTIME_DIR/mobula or /tmp/mobula-UID, created 0700. Refuses a folder of another user.
Status sessions_folder(std::string *folder);
// The session's own folder. kInvalidArgument when the name is not 1 to 64 letters, digits, '.', '_' or '-'.
Status session_folder(const std::string &session, std::string *folder);
std::string socket_path(const std::string &folder);

// Connects to a session's raylet.
Status connect_to(const std::string &session, base::File *socket);
Status connect_to_path(const std::string &path, base::File *socket);

// Sends one message, with descriptors beside it. kRayletDied when the peer has gone.
Status send(int socket, const Message &message, const std::vector<int> &descriptors = {});
// Receives one message, and the descriptors that came with it. Blocks. kRayletDied at the end of the stream.
Status receive(int socket, Message *message, std::vector<base::File> *descriptors = nullptr);
// Sends `request` and receives the answer, which must be a Reply; a Refused becomes kInvalidArgument.
template <typename Reply>
Status ask(int socket, const Message &request, Reply *reply) {
  if (Status status = send(socket, request)) return status;
  Message message;
  if (Status status = receive(socket, &message)) return status;
  if (const auto *refused = std::get_if<Refused>(&message))
    return base::failure(Code::kInvalidArgument, refused->message);
  auto *expected = std::get_if<Reply>(&message);
  if (expected == nullptr) return base::failure(Code::kInvalidArgument, "the raylet gave an answer of another kind");
  *reply = std::move(*expected);
  return nullptr;
}

}  // namespace mobula::wire
