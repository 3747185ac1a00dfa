#include "tools/json_writer.h"

#include <doctest/doctest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

namespace mobula::tools {
namespace {

using nlohmann::json;

std::string written(const std::function<void(JsonWriter &)> &write) {
  std::ostringstream output;
  {
    JsonWriter json(output);
    write(json);
  }
  return output.str();
}

}  // namespace

TEST_CASE("values of all kinds are separated, and lines begin where they are asked for") {
  CHECK(written([](JsonWriter &json) {
          json.begin_object();
          json.key("a").number(~0ull);
          json.key(std::string("b")).signed_number(-7);
          json.line().key("c").begin_list();
          json.line().boolean(true);
          json.null();
          json.line().begin_object();
          json.end_object();
          json.line().begin_list();
          json.end_list();
          json.end_list();
          json.key("d").word("plain");
          json.end_object();
          json.finish();
        }) ==
        "{\"a\": 18446744073709551615, \"b\": -7,\n"
        "\"c\": [\ntrue, null,\n{},\n[]], \"d\": \"plain\"}\n");
}

TEST_CASE("a text comes back as it was, and what is not UTF-8 is replaced") {
  for (const std::string text : {"", "plain /path:1 main()", "a \"quote\"", "back\\slash", "line\nfeed", "tab\t",
                                 "\x7f", "sm\xc3\xb8rrebr\xc3\xb8"}) {
    CAPTURE(text);
    CHECK(json::parse(written([&](JsonWriter &json) { json.text(text); })) == text);
  }
  CHECK(json::accept(written([](JsonWriter &json) { json.text("\xff\xfe broken"); })));
}

TEST_CASE("what is longer than the buffer, and what ends anywhere in it, is written whole") {
  for (const std::size_t size :
       {65'000u, 65'530u, 65'531u, 65'532u, 65'533u, 65'534u, 65'535u, 65'536u, 65'537u, 200'000u}) {
    CAPTURE(size);
    const std::string big(size, 'x');
    const json read = json::parse(written([&](JsonWriter &json) {
      json.begin_object();
      json.key("big").word(big);
      json.key("next").text(big);
      json.key(big).number(1);
      json.key("list").begin_list();
      for (std::uint64_t i = 0; i < 20'000; ++i) json.number(i);
      json.end_list();
      json.end_object();
    }));
    CHECK(read["big"] == big);
    CHECK(read["next"] == big);
    CHECK(read[big] == 1);
    CHECK(read["list"].size() == 20'000);
    CHECK(read["list"].back() == 19'999);
  }
}

}  // namespace mobula::tools
