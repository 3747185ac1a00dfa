// Object ids in hexadecimal digits, there and back.
#include "tools/object_digits.h"

#include <doctest/doctest.h>

using namespace mobula::tools;
using namespace std::string_literals;

TEST_CASE("digits give back the bytes they were made of") {
  const std::string bytes = "\x00\x7f\x80\xff"s;
  CHECK(digits_of(bytes) == "007f80ff");
  CHECK(id_of_digits("007f80ff") == bytes);
  CHECK(id_of_digits("007F80FF") == bytes);
  CHECK(id_of_digits("") == ""s);
}

TEST_CASE("what is not a whole number of bytes in digits is none") {
  CHECK_FALSE(id_of_digits("1"));
  CHECK_FALSE(id_of_digits("0g"));
  CHECK_FALSE(id_of_digits(" 1"));
  CHECK_FALSE(id_of_digits("-1"));
}
