// raylet/http_request.h: the little of HTTP/1.1 that serving one page takes. Pure.
//   Errors     whatever a peer sends is one of the kinds below
//   Cost       O(bytes)
#pragma once

#include <string>
#include <string_view>

namespace mobula::raylet {

constexpr std::size_t kRequestBytesMax = 8u << 10;  // request line and header together

enum class Asked {
  kUnfinished,  // more is to come
  kMetrics,     // GET /metrics
  kOtherPage,
  kOtherMethod,
  kTooMuch,
  kNonsense,
};

// What the bytes that have come so far ask for. A body is no part of any request here, and is not looked at.
Asked read_request(std::string_view received);

// The whole answer; `text` is the page of kMetrics. REQUIRES: not kUnfinished.
std::string answer_to(Asked asked, std::string_view text);

}  // namespace mobula::raylet
