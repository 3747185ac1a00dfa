// Drafts: objects written where they will lie.
#include <doctest/doctest.h>
#include <mobula/draft.h>
#include <mobula/view.h>

#include <cstdint>
#include <numeric>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::DraftOf;
using ray::internal::RayException;
using ray::internal::RayTaskException;

namespace {

constexpr std::size_t kMiB = 1u << 20;

struct Point {
  double x = 0;
  int tag = 0;
};
struct Large {
  char text[500] = {};
  int number = 0;
};

DraftOf<std::vector<double>> make(std::size_t count) {
  auto draft = mobula::create<double>(count);
  std::iota(draft.begin(), draft.end(), 0.0);
  return draft;
}
DraftOf<std::vector<double>> make_then_throw(std::size_t count) {
  auto draft = make(count);
  throw std::runtime_error("after " + std::to_string(draft.size()));
}
DraftOf<std::string> moved_from(std::size_t count) {
  auto draft = mobula::create<char>(count);
  const auto sealed = std::move(draft).seal();
  return draft;  // NOLINT: that is the mistake
}
DraftOf<Point> make_point(int tag) {
  auto draft = mobula::create<Point>();
  draft->tag = tag;
  return draft;
}
double last(std::vector<double> values) { return values.back(); }
std::uint64_t bytes_of_buffer(mobula::View<std::vector<double>> values) { return values.size() * 8; }
// What it leaves open is aborted when its worker ends.
int die_with_draft(std::size_t count) {
  auto draft = mobula::create<double>(count);
  draft[0] = 1;
  ::_exit(3);
}

RAY_REMOTE(make, make_then_throw, moved_from, make_point, last, bytes_of_buffer, die_with_draft);

}  // namespace

TEST_SUITE("process/drafts") {
  TEST_CASE("what was written into a draft is what everybody reads") {
    CHECK(in_session([] {
      for (const std::size_t count : {0ul, 1ul, 14ul, 15ul, 1000ul, kMiB}) {
        CAPTURE(count);
        auto draft = mobula::create<double>(count);
        CHECK(draft.size() == count);
        CHECK(reinterpret_cast<std::uintptr_t>(draft.data()) % alignof(double) == 0);
        std::iota(draft.begin(), draft.end(), 1.0);
        const ray::ObjectRef<std::vector<double>> object = std::move(draft).seal();
        CHECK(object.Get()->size() == count);
        CHECK(mobula::view(object).size() == count);
        if (count > 0) CHECK(*ray::Task(last).Remote(object).Get() == static_cast<double>(count));
      }
    }));
  }

  TEST_CASE("each item type makes the object that its name says") {
    CHECK(in_session([] {
      auto text = mobula::create<char>(5);
      std::memcpy(text.data(), "hello", 5);
      const ray::ObjectRef<std::string> string = std::move(text).seal();
      CHECK(*string.Get() == "hello");
      auto same = mobula::create<std::string>(300);
      std::fill(same.begin(), same.end(), 'x');
      CHECK(*std::move(same).seal().Get() == std::string(300, 'x'));
      auto bytes = mobula::create<std::byte>(3);
      bytes[2] = std::byte{9};
      const ray::ObjectRef<std::vector<std::byte>> blob = std::move(bytes).seal();
      CHECK(blob.Get()->size() == 3);
      auto vector = mobula::create<std::vector<int>>(200);
      std::fill(vector.begin(), vector.end(), 4);
      CHECK((*std::move(vector).seal().Get())[199] == 4);
      auto point = mobula::create<Point>();
      *point = {1.5, 2};
      CHECK(std::move(point).seal().Get()->x == 1.5);
      auto large = mobula::create<Large>();
      large->number = 77;
      CHECK(std::move(large).seal().Get()->number == 77);
      auto points = mobula::create<Point>(100);
      for (Point &each : points) each = {2.5, 3};
      const ray::ObjectRef<std::vector<Point>> several = std::move(points).seal();
      CHECK((*several.Get())[99].x == 2.5);
    }));
  }

  TEST_CASE("a dropped draft leaves nothing behind, and its room is used again") {
    CHECK(in_session([] {
      const std::uint64_t before = store_figure("objects");
      for (int i = 0; i < 40; ++i) {
        auto draft = mobula::create<double>(kMiB);  // 8 of these fill the store
        draft[i] = i;
      }
      CHECK(eventually([&] { return store_figure("objects") == before; }));
    }));
  }

  TEST_CASE("a draft is moved, and assigning another one drops what it was") {
    CHECK(in_session([] {
      auto draft = mobula::create<double>(1000);
      draft[999] = 9;
      auto other = std::move(draft);
      CHECK(draft.data() == nullptr);
      CHECK(draft.size() == 0);
      CHECK(other[999] == 9);
      other = mobula::create<double>(3);
      other[2] = 2;
      CHECK((*std::move(other).seal().Get())[2] == 2);
      CHECK_THROWS_AS(std::move(draft).seal(), RayException);
    }));
  }

  TEST_CASE("a draft too large for the store is refused at once") {
    CHECK(in_session([] {
      CHECK(contains(text_thrown_by<RayException>([] { mobula::create<double>(16 * kMiB); }), "can never fit"));
      CHECK_THROWS_AS(mobula::create<double>(SIZE_MAX / 4), std::bad_alloc);
    }));
  }

  TEST_CASE("tasks return drafts, small and large, and others take them") {
    CHECK(in_session([] {
      for (const std::size_t count : {0ul, 3ul, 14ul, 15ul, 5000ul, kMiB}) {
        CAPTURE(count);
        const ray::ObjectRef<std::vector<double>> made = ray::Task(make).Remote(count);
        CHECK(made.Get()->size() == count);
        CHECK(*ray::Task(bytes_of_buffer).Remote(made).Get() == count * 8);
        if (count > 0) CHECK(mobula::view(made)[count - 1] == static_cast<double>(count - 1));
      }
      CHECK(ray::Task(make_point).Remote(4).Get()->tag == 4);
    }));
  }

  TEST_CASE("a task that fails, or dies, with a draft gives its room back") {
    CHECK(in_session([] {
      const std::uint64_t before = store_figure("objects");
      for (int i = 0; i < 20; ++i) {
        CHECK_THROWS_AS(ray::Task(make_then_throw).Remote(kMiB).Get(), RayTaskException);
      }
      CHECK_THROWS_AS(ray::Task(moved_from).Remote(1000ul).Get(), RayTaskException);
      for (int i = 0; i < 4; ++i) {
        CHECK_THROWS_AS(ray::Task(die_with_draft).Remote(3 * kMiB).Get(), ray::internal::RayWorkerException);
      }
      CHECK(ray::Task(make).Remote(6 * kMiB).Get()->size() == 6 * kMiB);
      CHECK(eventually([&] { return store_figure("objects") == before; }));
    }));
  }
}
