#include "base/spin.h"

#include <doctest/doctest.h>
#include <stdlib.h>

using mobula::base::Spin;

namespace {

// How often a round looks when what it waits for never comes.
int looks_of(Spin &spin) {
  int looks = 0;
  CHECK(!spin.until([&] { return ++looks < 0; }));
  return looks;
}

}  // namespace

TEST_SUITE("base/spin") {
  TEST_CASE("rounds that fail get short, one in sixteen is long, and a round that pays makes all long again") {
    Spin spin(1000);
    if (looks_of(spin) == 1) return;  // one processor: there is nothing to wait for
    for (int i = 0; i < 14; ++i) looks_of(spin);
    CHECK(looks_of(spin) == 4);
    CHECK(looks_of(spin) == 1000);  // the seventeenth
    CHECK(looks_of(spin) == 4);
    int looks = 0;
    CHECK(spin.until([&] { return ++looks == 3; }));
    CHECK(looks_of(spin) == 1000);
  }

  TEST_CASE("dear looks are taken less often") {
    Spin spin(1000);
    int looks = 0;
    CHECK(!spin.until([&] { return ++looks < 0; }, 10));
    CHECK(looks <= 100);
  }

  TEST_CASE("what is there at once costs one look and teaches nothing") {
    Spin spin(1000);
    int looks = 0;
    CHECK(spin.until([&] { return ++looks == 1; }));
    CHECK(looks == 1);
  }

  TEST_CASE("the environment bounds the looks") {
    setenv("MOBULA_SPINS", "0", 1);
    Spin never(1000);
    setenv("MOBULA_SPINS", "7", 1);
    Spin few(1000);
    setenv("MOBULA_SPINS", "many", 1);
    Spin unreadable(1000);
    unsetenv("MOBULA_SPINS");
    CHECK(looks_of(never) == 1);
    CHECK(looks_of(few) <= 7);
    CHECK((looks_of(unreadable) == 1000 || looks_of(unreadable) == 1));
  }
}
