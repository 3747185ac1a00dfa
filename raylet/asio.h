// raylet/asio.h: Boost.Asio as the raylet uses it. The only file that includes it.
#pragma once

#include <utility>  // Boost 1.74 with g++ 12 and C++20 uses std::exchange without it

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace mobula::raylet {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

}  // namespace mobula::raylet
