// raylet/connection.h: one control connection, as the raylet's loop sees it.
//   Threads    thread-bound (the raylet's loop); never blocks
//   Ownership  held by the clients table and by its own pending reads; close() ends both
//   Errors     a broken frame closes the connection: on_closed tells why
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "raylet/asio.h"
#include "wire/messages.h"

namespace mobula::raylet {

constexpr std::size_t kUnsentBytesMax = 4u << 20;  // a peer that reads nothing is disconnected beyond this

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using OnMessage = std::function<void(wire::Message, std::vector<base::File>)>;
  using OnClosed = std::function<void(const std::string &why)>;

  Connection(asio::io_context &loop, base::File socket);

  // Who is told from now on. A handler may replace the handlers, and may call close().
  void set_handlers(OnMessage on_message, OnClosed on_closed);
  // Begins to read. REQUIRES: handlers are set; called once.
  void start() { wait_readable(); }
  // Sends at once what the socket takes, the rest when it can. Descriptors go with the first byte.
  void send(const wire::Message &message, const std::vector<int> &descriptors = {});
  // Ends it without calling on_closed.
  void close();
  bool is_open() const { return socket_.is_open(); }

  // The peer's process, from the kernel.
  pid_t peer_pid() const { return peer_pid_; }
  uid_t peer_uid() const { return peer_uid_; }

 private:
  void wait_readable();
  void read_some();
  bool receive_bytes();
  void deliver_frames();
  void fail(const std::string &why);
  void flush();

  asio::posix::stream_descriptor socket_;
  pid_t peer_pid_ = 0;
  uid_t peer_uid_ = 0;
  OnMessage on_message_;
  OnClosed on_closed_;
  std::string received_;
  std::vector<base::File> descriptors_;
  std::string unsent_;
};

}  // namespace mobula::raylet
