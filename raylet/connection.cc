#include "raylet/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "base/error.h"

namespace mobula::raylet {
namespace {

constexpr std::size_t kReadBytes = 64u << 10;

std::vector<base::File> take_descriptors(msghdr &header) {
  std::vector<base::File> taken;
  for (cmsghdr *part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      taken.emplace_back(descriptor);
    }
  }
  return taken;
}

}  // namespace

Connection::Connection(asio::io_context &loop, base::File socket) : socket_(loop, socket.release()) {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  if (getsockopt(socket_.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
    base::throw_errno("SO_PEERCRED");
  peer_pid_ = peer.pid;
  peer_uid_ = peer.uid;
}

void Connection::set_handlers(OnMessage on_message, OnClosed on_closed) {
  on_message_ = std::move(on_message);
  on_closed_ = std::move(on_closed);
}

void Connection::wait_readable() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const ErrorCode &error) {
    if (!error) self->read_some();
  });
}

void Connection::read_some() {
  if (!socket_.is_open()) return;
  const bool open = receive_bytes();
  deliver_frames();
  if (!socket_.is_open()) return;
  if (open) return wait_readable();
  fail("the peer has closed it");
}

// False at the end of the stream.
bool Connection::receive_bytes() {
  std::array<char, kReadBytes> buffer;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * wire::kDescriptorsMax)];
  iovec piece{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(socket_.native_handle(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  for (base::File &file : take_descriptors(header)) {
    if (descriptors_.size() < wire::kDescriptorsMax) descriptors_.push_back(std::move(file));
  }
  received_.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

void Connection::deliver_frames() {
  std::size_t position = 0;
  while (socket_.is_open() && received_.size() - position >= wire::kFrameHeaderBytes) {
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, received_.data() + position, sizeof bytes);
    if (bytes > base::kFrameBytesMax) {
      return fail(fmt::format("it sent a frame of {} bytes, the limit is {}", bytes, base::kFrameBytesMax));
    }
    if (received_.size() - position - wire::kFrameHeaderBytes < bytes) break;
    // A copy of its own: FlatBuffers wants it aligned, and nobody can change it any more.
    const std::string body = received_.substr(position + wire::kFrameHeaderBytes, bytes);
    position += wire::kFrameHeaderBytes + bytes;
    std::optional<wire::Message> message = wire::decode(body);
    if (!message) return fail("it sent a message that does not verify");
    const OnMessage handler = on_message_;  // it may replace itself
    handler(std::move(*message), std::exchange(descriptors_, {}));
  }
  received_.erase(0, position);
}

void Connection::send(const wire::Message &message, const std::vector<int> &descriptors) {
  if (!socket_.is_open()) return;
  const std::string frame = wire::encode(message);
  if (!descriptors.empty()) {
    // A handshake's answer: the first bytes on an empty socket, so they go out whole.
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * wire::kDescriptorsMax)] = {};
    iovec piece{const_cast<char *>(frame.data()), frame.size()};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(part), descriptors.data(), sizeof(int) * descriptors.size());
    static_cast<void>(
        sendmsg(socket_.native_handle(), &header, MSG_DONTWAIT | MSG_NOSIGNAL));  // a dead peer is seen by read
    return;
  }
  const bool waiting = !unsent_.empty();
  unsent_ += frame;
  if (unsent_.size() > kUnsentBytesMax) return fail("it does not read its answers");
  if (!waiting) flush();
}

void Connection::flush() {
  while (!unsent_.empty() && socket_.is_open()) {
    const ssize_t sent = ::send(socket_.native_handle(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                         [self = shared_from_this()](const ErrorCode &error) {
                           if (!error) self->flush();
                         });
      return;
    }
    if (sent < 0) return unsent_.clear();  // the peer has gone; the read side reports it
    unsent_.erase(0, static_cast<std::size_t>(sent));
  }
}

void Connection::fail(const std::string &why) {
  if (!socket_.is_open()) return;
  const OnClosed on_closed = on_closed_;
  close();
  if (on_closed) on_closed(why);
}

void Connection::close() {
  ErrorCode ignored;
  if (socket_.is_open()) socket_.close(ignored);
}

}  // namespace mobula::raylet
