#include "raylet/http_request.h"

#include <doctest/doctest.h>

namespace mobula::raylet {

TEST_SUITE("raylet/http_request") {
  TEST_CASE("a request for the metrics is known, whatever its header says") {
    CHECK(read_request("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n") == Asked::kMetrics);
    CHECK(read_request("GET /metrics?name=a HTTP/1.0\r\n\r\n") == Asked::kMetrics);
    CHECK(read_request("GET /metrics HTTP/1.1\r\n\r\nand more") == Asked::kMetrics);
  }

  TEST_CASE("no beginning of a request is taken for one") {
    const std::string_view request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (std::size_t bytes = 0; bytes < request.size(); ++bytes)
      CHECK(read_request(request.substr(0, bytes)) == Asked::kUnfinished);
  }

  TEST_CASE("other pages, methods and what is no HTTP are told apart") {
    CHECK(read_request("GET / HTTP/1.1\r\n\r\n") == Asked::kOtherPage);
    CHECK(read_request("GET /metricsandmore HTTP/1.1\r\n\r\n") == Asked::kOtherPage);
    CHECK(read_request("POST /other HTTP/1.1\r\n\r\n") == Asked::kOtherPage);
    CHECK(read_request("POST /metrics HTTP/1.1\r\n\r\n") == Asked::kOtherMethod);
    CHECK(read_request("get /metrics HTTP/1.1\r\n\r\n") == Asked::kOtherMethod);
    for (const char *nonsense : {"\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET  /metrics HTTP/1.1\r\n\r\n",
                                 "GET metrics HTTP/1.1\r\n\r\n", "GET /metrics HTTP/2\r\n\r\n", "\x16\x03\x01\r\n\r\n"})
      CHECK(read_request(nonsense) == Asked::kNonsense);
  }

  TEST_CASE("a header without end is cut off at its limit") {
    const std::string start = "GET /metrics HTTP/1.1\r\nX: ";
    CHECK(read_request(start + std::string(kRequestBytesMax - start.size() - 1, 'x')) == Asked::kUnfinished);
    CHECK(read_request(start + std::string(kRequestBytesMax - start.size(), 'x')) == Asked::kTooMuch);
    CHECK(read_request(start + std::string(kRequestBytesMax, 'x') + "\r\n\r\n") == Asked::kTooMuch);
  }

  TEST_CASE("answers tell their length and that the connection ends") {
    CHECK(answer_to(Asked::kMetrics, "abc\n") ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 4\r\n"
          "Connection: close\r\n\r\nabc\n");
    CHECK(answer_to(Asked::kOtherPage, "").starts_with("HTTP/1.1 404 "));
    CHECK(answer_to(Asked::kOtherMethod, "").find("\r\nAllow: GET\r\n") != std::string::npos);
    CHECK(answer_to(Asked::kTooMuch, "").starts_with("HTTP/1.1 431 "));
    CHECK(answer_to(Asked::kNonsense, "").starts_with("HTTP/1.1 400 "));
  }
}

}  // namespace mobula::raylet
