#include "raylet/metrics_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace mobula::raylet {
namespace {

constexpr int kBacklog = 16;
constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kIgnoredBytesMax = 64u << 10;  // of what a peer goes on to send after its request

base::File open_spare() { return base::File(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool is_passing(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }

}  // namespace

Status listen_for_metrics(std::uint16_t port, base::File *listener, std::uint16_t *bound_port) {
  base::File socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) base::throw_errno("socket");
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  auto *const plain = reinterpret_cast<sockaddr *>(&address);
  if (bind(socket.get(), plain, bytes) != 0 || listen(socket.get(), kBacklog) != 0 ||
      getsockname(socket.get(), plain, &bytes) != 0) {
    return base::failure(Code::kInvalidArgument, fmt::format("metrics: cannot listen on 127.0.0.1:{}: {}; "
                                                             "--metrics-port 0 takes a free port",
                                                             port, std::strerror(errno)));
  }
  *bound_port = ntohs(address.sin_port);
  *listener = std::move(socket);
  return nullptr;
}

struct MetricsServer::Peer : std::enable_shared_from_this<MetricsServer::Peer> {
  Peer(asio::io_context &loop, int descriptor) : socket(loop, descriptor), deadline(loop) {}

  asio::posix::stream_descriptor socket;
  asio::steady_timer deadline;
  bool waits_to_read = false;
  bool waits_to_write = false;
  bool wants_page = false;
  bool is_answered = false;
  std::size_t ignored_bytes = 0;
  std::string received;
  std::string unsent;
};

MetricsServer::MetricsServer(asio::io_context &loop, base::File listener, const segment::Segment &segment, Page page)
    : loop_(loop),
      listener_(loop, listener.release()),
      segment_(segment),
      page_(std::move(page)),
      spare_(open_spare()) {}

MetricsServer::~MetricsServer() = default;

// Descriptors are waited for again from here and not by their own handlers: a peer that never stops sending, or others
// that never stop coming, must not keep the loop from everything else.
bool MetricsServer::step() {
  if (std::exchange(has_news_, false)) {
    wait_for_peers();
    for (const std::shared_ptr<Peer> &peer : peers_) wait(*peer);
  }
  if (!scan_) return false;
  if (scan_->step(kLooksPerStep)) return true;
  const std::string text = page_(scan_->figures());
  scan_.reset();
  std::vector<std::shared_ptr<Peer>> asking;
  for (const std::shared_ptr<Peer> &peer : peers_) {
    if (std::exchange(peer->wants_page, false)) asking.push_back(peer);
  }
  for (const std::shared_ptr<Peer> &peer : asking) answer(*peer, Asked::kMetrics, text);
  return true;
}

void MetricsServer::wait_for_peers() {
  if (std::exchange(listens_, true)) return;
  listener_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const ErrorCode &error) {
    if (error) return;
    listens_ = false;
    has_news_ = true;
    accept_one();
  });
}

void MetricsServer::accept_one() {
  base::File socket(accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket && (errno == EMFILE || errno == ENFILE)) {
    // It cannot be served, and would be news for ever: it is let in by the spare descriptor and closed.
    spare_.reset();
    base::File(accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    spare_ = open_spare();
  }
  if (!socket) return;
  if (peers_.size() >= kPeersMax) end(*peers_.front());
  const auto peer = std::make_shared<Peer>(loop_, socket.release());
  peers_.push_back(peer);
  peer->deadline.expires_after(std::chrono::seconds(kPeerSecondsMax));
  peer->deadline.async_wait([this, weak = std::weak_ptr(peer)](const ErrorCode &error) {
    const std::shared_ptr<Peer> slow = weak.lock();
    if (!error && slow != nullptr) end(*slow);
  });
}

void MetricsServer::wait(Peer &peer) {
  using Descriptor = asio::posix::stream_descriptor;
  const auto wait_for = [&](Descriptor::wait_type what, bool Peer::*waits, bool (MetricsServer::*go_on)(Peer &)) {
    if (std::exchange(peer.*waits, true)) return;
    peer.socket.async_wait(what, [this, waits, go_on, weak = peer.weak_from_this()](const ErrorCode &error) {
      const std::shared_ptr<Peer> self = weak.lock();
      if (error || self == nullptr) return;
      (*self).*waits = false;
      has_news_ = true;
      if (!(this->*go_on)(*self)) end(*self);
    });
  };
  wait_for(Descriptor::wait_read, &Peer::waits_to_read, &MetricsServer::read_some);
  if (!peer.unsent.empty()) wait_for(Descriptor::wait_write, &Peer::waits_to_write, &MetricsServer::write_some);
}

// False: it has ended, or sends more than anybody needs.
bool MetricsServer::read_some(Peer &peer) {
  std::array<char, kReadBytes> buffer;
  const ssize_t got = recv(peer.socket.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0) return is_passing(errno);
  if (got == 0) return false;
  if (peer.is_answered || peer.wants_page) {
    peer.ignored_bytes += static_cast<std::size_t>(got);
    return peer.ignored_bytes <= kIgnoredBytesMax;
  }
  peer.received.append(buffer.data(), static_cast<std::size_t>(got));
  const Asked asked = read_request(peer.received);
  if (asked == Asked::kUnfinished) return true;
  peer.received.clear();
  if (asked == Asked::kMetrics) {
    peer.wants_page = true;
    if (!scan_) scan_.emplace(segment_);
    return true;
  }
  peer.is_answered = true;
  peer.unsent = answer_to(asked, "");
  return write_some(peer);
}

void MetricsServer::answer(Peer &peer, Asked asked, std::string_view text) {
  peer.is_answered = true;
  peer.unsent = answer_to(asked, text);
  has_news_ = true;
  if (!write_some(peer)) end(peer);
}

// False: it takes nothing any more. After the last byte it is its turn to close: to close before all is read that it
// sent could cost it the answer.
bool MetricsServer::write_some(Peer &peer) {
  if (peer.unsent.empty()) return true;
  const ssize_t sent =
      send(peer.socket.native_handle(), peer.unsent.data(), peer.unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return is_passing(errno);
  peer.unsent.erase(0, static_cast<std::size_t>(sent));
  if (peer.unsent.empty()) shutdown(peer.socket.native_handle(), SHUT_WR);
  return true;
}

void MetricsServer::end(Peer &peer) {
  ErrorCode ignored;
  peer.socket.close(ignored);
  peer.deadline.cancel();
  peers_.remove_if([&peer](const std::shared_ptr<Peer> &one) { return one.get() == &peer; });
}

}  // namespace mobula::raylet
