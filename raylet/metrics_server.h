// raylet/metrics_server.h: serves GET /metrics on 127.0.0.1, by the raylet's loop.
//   Threads    thread-bound (the raylet's loop); adds no thread and never blocks
//   Errors     a peer that asks for something else is told so. One that is slow is cut off when its time is over, or
//              when so many others have come after it
//   Cost       a scrape: O(entries + rows), of which step() does a bounded part. A turn of the loop: at most one new
//              peer and one read or write of each
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "metrics/session_scan.h"
#include "raylet/asio.h"
#include "raylet/http_request.h"

namespace mobula::raylet {

constexpr std::size_t kPeersMax = 16;          // connections at a time; the next one ends the oldest
constexpr int kPeerSecondsMax = 10;            // from its coming to its end
constexpr std::uint64_t kLooksPerStep = 8192;  // words of the segment that one step looks at: well below 1 ms

// A socket that listens there. Port 0: any that is free; `*bound_port` tells which. kInvalidArgument: it is taken.
Status listen_for_metrics(std::uint16_t port, base::File *listener, std::uint16_t *bound_port);

class MetricsServer {
 public:
  // The page, once its figures are read.
  using Page = std::function<std::string(metrics::SessionFigures)>;

  MetricsServer(asio::io_context &loop, base::File listener, const segment::Segment &segment, Page page);
  ~MetricsServer();
  MetricsServer(const MetricsServer &) = delete;
  MetricsServer &operator=(const MetricsServer &) = delete;

  // Called between two looks at the loop: goes on with what peers ask for. True while there is more to do.
  bool step();

 private:
  struct Peer;

  void wait_for_peers();
  void accept_one();
  void wait(Peer &peer);
  bool read_some(Peer &peer);
  bool write_some(Peer &peer);
  void answer(Peer &peer, Asked asked, std::string_view text);
  void end(Peer &peer);

  asio::io_context &loop_;
  asio::posix::stream_descriptor listener_;
  const segment::Segment &segment_;
  const Page page_;
  std::list<std::shared_ptr<Peer>> peers_;  // oldest first
  std::optional<metrics::SessionScan> scan_;
  base::File spare_;  // so that a peer can be turned away when there is no other descriptor left
  bool listens_ = false;
  bool has_news_ = true;  // somebody is to be waited for again
};

}  // namespace mobula::raylet
