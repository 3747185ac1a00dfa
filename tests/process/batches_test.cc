// Batches: many objects and tasks at once, and results in the order in which they come.
#include <doctest/doctest.h>
#include <mobula/batch.h>

#include <cstdint>
#include <list>
#include <numeric>
#include <set>

#include "process/session_case.h"

using namespace mobula::process;
using ray::internal::RayException;
using ray::internal::RayTaskException;
using ray::internal::RayTimeoutException;

namespace {

int add(int left, int right) { return left + right; }
int square(int value) { return static_cast<int>(static_cast<unsigned>(value) * static_cast<unsigned>(value)); }
bool negate(bool value) { return !value; }
std::size_t length(std::tuple<std::string> text) { return std::get<0>(text).size(); }
int nap(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return wait_ms;
}
int fail_odd(int value) {
  if (value % 2 == 1) throw std::runtime_error("odd");
  return value;
}
int never(int) {
  for (;;) ::pause();
}

RAY_REMOTE(add, square, negate, length, nap, fail_odd, never);

// Packs by waiting for an earlier task of the batch.
struct Impatient {
  mutable ray::ObjectRef<int> earlier;
  template <typename Packer>
  void msgpack_pack(Packer &packer) const {
    packer.pack(earlier.reference().empty() ? 0 : *earlier.Get());
  }
  void msgpack_unpack(const msgpack::object &object) { value = object.as<int>(); }
  int value = 0;
};
int value_of(Impatient impatient) { return impatient.value; }
RAY_REMOTE(value_of);

std::vector<int> count_up(int count) {
  std::vector<int> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

}  // namespace

TEST_SUITE("process/batches") {
  TEST_CASE("what is put all at once is got all at once, in order") {
    CHECK(in_session([] {
      const std::vector<int> values = count_up(5000);
      const auto objects = mobula::put_all(values);
      CHECK(mobula::get_all(objects) == values);
      const std::list<std::string> words{"a", "", std::string(1000, 'w')};
      const std::vector<std::string> got = mobula::get_all(mobula::put_all(words), 10'000);
      CHECK(std::equal(got.begin(), got.end(), words.begin(), words.end()));
      const int plain[] = {4, 5};
      CHECK(mobula::get_all(mobula::put_all(plain)) == std::vector<int>{4, 5});
      CHECK(mobula::get_all(mobula::put_all(std::vector<bool>{true, false})) == std::vector<bool>{true, false});
      CHECK(mobula::put_all(std::vector<int>()).empty());
      CHECK(mobula::get_all(std::vector<ray::ObjectRef<int>>()).empty());
    }));
  }

  TEST_CASE("a task is submitted for each element of the ranges, or for each tuple") {
    CHECK(in_session([] {
      const auto squares = mobula::get_all(mobula::submit_all(square, count_up(3000)));
      for (int i = 0; i < 3000; ++i) CHECK(squares[static_cast<std::size_t>(i)] == i * i);
      const auto inputs = mobula::put_all(count_up(100));
      const auto sums = mobula::get_all(mobula::submit_all(add, inputs, count_up(100)));
      CHECK(sums[99] == 198);
      const std::vector<std::tuple<int, ray::ObjectRef<int>>> lists{{1, inputs[2]}, {3, inputs[4]}};
      CHECK(mobula::get_all(mobula::submit_all(add, lists)) == std::vector<int>{3, 7});
      CHECK(mobula::get_all(mobula::submit_all(negate, std::vector<bool>{true, false})) ==
            std::vector<bool>{false, true});
      CHECK(mobula::get_all(mobula::submit_all(length, std::vector<std::tuple<std::string>>{{"four"}})) ==
            std::vector<std::size_t>{4});
      CHECK(mobula::submit_all(square, std::vector<int>()).empty());
      CHECK_THROWS_AS(mobula::submit_all(add, count_up(3), count_up(4)), RayException);
    }));
  }

  TEST_CASE("a batch larger than the ring goes through") {
    CHECK(in_session([] {
      const auto results = mobula::submit_all(square, count_up(20'000));
      CHECK(mobula::get_all(results)[19'999] == 19'999 * 19'999);
    }));
  }

  TEST_CASE("who waits inside a batch for a task of it is not left waiting") {
    CHECK(in_session([] {
      std::vector<Impatient> values(2);
      ray::Get(ray::Task(square).Remote(1));
      ::usleep(50'000);  // the raylet sleeps again
      const mobula::runtime::SubmitBatch batch;
      values[1].earlier = ray::Task(square).Remote(7);
      CHECK(mobula::get_all(mobula::submit_all(value_of, values), 10'000) == std::vector<int>{0, 49});
    }));
  }

  TEST_CASE("results come in the order in which they are ready") {
    CHECK(in_session(small_session(30'000, {{"MOBULA_WORKERS", "4"}}), [] {
      ray::Get(mobula::submit_all(nap, std::vector<int>{1, 1, 1, 1}));
      auto objects = mobula::submit_all(nap, std::vector<int>{900, 300, 600});
      objects.push_back(ray::Put(0));
      std::vector<int> order;
      std::vector<std::size_t> places;
      auto all = mobula::as_completed(objects);
      for (auto &object : all) {
        order.push_back(*object.Get());
        places.push_back(all.index());
      }
      CHECK(order == std::vector<int>{0, 300, 600, 900});
      CHECK(places == std::vector<std::size_t>{3, 1, 2, 0});
    }));
  }

  TEST_CASE("each result comes once, failed ones and equal ones too") {
    CHECK(in_session([] {
      auto objects = mobula::submit_all(fail_odd, count_up(500));
      const auto put = ray::Put(1000);
      objects.push_back(put);
      objects.push_back(put);
      std::multiset<int> seen;
      int failed = 0;
      for (auto &object : mobula::as_completed(std::move(objects))) {
        try {
          seen.insert(*object.Get());
        } catch (const RayTaskException &) {
          ++failed;
        }
      }
      CHECK(failed == 250);
      CHECK(seen.size() == 252);
      CHECK(seen.count(1000) == 2);
      CHECK(seen.count(498) == 1);
      for (auto &object : mobula::as_completed(std::vector<ray::ObjectRef<int>>())) CHECK(object.ID().empty());
    }));
  }

  TEST_CASE("a time limit ends the pass by a timeout, after what was ready") {
    CHECK(in_session([] {
      auto objects = mobula::submit_all(never, std::vector<int>{0});
      objects.push_back(ray::Put(5));
      int seen = 0;
      const auto start = Clock::now();
      CHECK_THROWS_AS(
          [&] {
            for (auto &object : mobula::as_completed(objects, 200)) seen += *object.Get();
          }(),
          RayTimeoutException);
      CHECK(seen == 5);
      CHECK(milliseconds_since(start) >= 199);
      const auto gone = ray::ObjectRef<int>(std::string(15, '\7'));
      CHECK_THROWS_AS(mobula::as_completed(std::vector{gone}).begin(), ray::internal::UnreconstructableException);
    }));
  }

  TEST_CASE("a hundred thousand results are no more work each than a few") {
    CHECK(in_session(small_session(120'000, {{"MOBULA_MEMORY", "256MiB"}}), [] {
      constexpr int kCount = 100'000;
      auto objects = mobula::submit_all(square, count_up(kCount));
      std::vector<bool> seen(kCount);
      std::size_t count = 0;
      auto all = mobula::as_completed(std::move(objects));
      for (auto &object : all) {
        const int root = static_cast<int>(all.index());
        if (root < 46'000) CHECK(*object.Get() == root * root);
        CHECK_FALSE(seen[all.index()]);
        seen[all.index()] = true;
        ++count;
      }
      CHECK(count == kCount);
    }));
  }
}
