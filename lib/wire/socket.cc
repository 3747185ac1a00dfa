#include "wire/socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace mobula::wire {
namespace {

constexpr std::size_t kSessionNameMax = 64;

Status peer_gone() { return base::failure(Code::kRayletDied, "the raylet has closed the connection"); }

Status make_private_folder(const std::string &path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return base::failure(Code::kInvalidArgument, fmt::format("cannot create {}: {}", path, std::strerror(errno)));
  }
  struct stat facts {};
  if (lstat(path.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode) || facts.st_uid != geteuid() ||
      (facts.st_mode & 0077) != 0) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("{} must be a folder of user {} with mode 0700", path, geteuid()));
  }
  return nullptr;
}

bool is_session_name(const std::string &name) {
  if (name.empty() || name.size() > kSessionNameMax || name[0] == '.') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
         std::string::npos;
}

// Reads exactly `bytes`; the first read also takes descriptors. False at the end of the stream.
bool read_all(int socket, char *target, std::size_t bytes, std::vector<base::File> *descriptors) {
  while (bytes > 0) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kDescriptorsMax)];
    iovec piece{target, bytes};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    for (cmsghdr *part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
        base::File owned(descriptor);
        if (descriptors != nullptr) descriptors->push_back(std::move(owned));
      }
    }
    target += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

Status sessions_folder(std::string *folder) {
  const char *runtime = std::getenv("XDG_RUNTIME_DIR");
  *folder = runtime != nullptr && runtime[0] != '\0' ? std::string(runtime) + "/mobula"
                                                     : fmt::format("/tmp/mobula-{}", geteuid());
  return make_private_folder(*folder);
}

Status session_folder(const std::string &session, std::string *folder) {
  if (!is_session_name(session)) {
    return base::failure(
        Code::kInvalidArgument,
        fmt::format("'{}' is not a session name: 1 to {} letters, digits, '.', '_' or '-', not beginning "
                    "with '.'",
                    session, kSessionNameMax));
  }
  if (Status status = sessions_folder(folder)) return status;
  *folder += "/" + session;
  return nullptr;
}

std::string socket_path(const std::string &folder) { return folder + "/raylet.sock"; }

Status connect_to(const std::string &session, base::File *socket) {
  std::string folder;
  if (Status status = session_folder(session, &folder)) return status;
  Status status = connect_to_path(socket_path(folder), socket);
  if (status != nullptr) {
    status->message = fmt::format("no session '{}' is running ({}); start it with: mobula start --session {}", session,
                                  status->message, session);
  }
  return status;
}

Status connect_to_path(const std::string &path, base::File *socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("the socket path {} is longer than {} bytes: set a shorter "
                                     "XDG_RUNTIME_DIR",
                                     path, sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  *socket = base::File(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!*socket) base::throw_errno("socket");
  if (::connect(socket->get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
    return base::failure(Code::kInvalidArgument, fmt::format("connect to {}: {}", path, std::strerror(errno)));
  }
  ucred peer{};
  socklen_t peer_bytes = sizeof peer;
  if (getsockopt(socket->get(), SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) != 0) base::throw_errno("SO_PEERCRED");
  if (peer.uid != geteuid()) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("{} belongs to user {}, this is user {}", path, peer.uid, geteuid()));
  }
  return nullptr;
}

Status send(int socket, const Message &message, const std::vector<int> &descriptors) {
  const std::string frame = encode(message);
  std::size_t sent = 0;
  while (sent < frame.size()) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kDescriptorsMax)] = {};
    iovec piece{const_cast<char *>(frame.data()) + sent, frame.size() - sent};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (sent == 0 && !descriptors.empty()) {
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
      cmsghdr *part = CMSG_FIRSTHDR(&header);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
      std::memcpy(CMSG_DATA(part), descriptors.data(), sizeof(int) * descriptors.size());
    }
    const ssize_t count = sendmsg(socket, &header, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return peer_gone();
    sent += static_cast<std::size_t>(count);
  }
  return nullptr;
}

Status receive(int socket, Message *message, std::vector<base::File> *descriptors) {
  std::uint32_t bytes = 0;
  if (!read_all(socket, reinterpret_cast<char *>(&bytes), sizeof bytes, descriptors)) return peer_gone();
  if (bytes > base::kFrameBytesMax) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("a frame of {} bytes came; the limit is {}", bytes, base::kFrameBytesMax));
  }
  std::string body(bytes, '\0');
  if (!read_all(socket, body.data(), body.size(), descriptors)) return peer_gone();
  std::optional<Message> decoded = decode(body);
  if (!decoded) return base::failure(Code::kInvalidArgument, "a control message came that does not verify");
  *message = std::move(*decoded);
  return nullptr;
}

}  // namespace mobula::wire
