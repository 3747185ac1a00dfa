// Views: objects read where they lie, in drivers and in tasks.
#include <doctest/doctest.h>
#include <mobula/put.h>
#include <mobula/view.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>

#include "mobula/task.h"
#include "process/session_case.h"

using namespace mobula::process;
using mobula::View;
using ray::internal::RayException;
using ray::internal::RayWorkerException;

namespace {

constexpr std::size_t kMiB = 1u << 20;

struct Point {
  double x = 0;
  double y = 0;
  int tag = 0;
};
struct alignas(64) Aligned {
  double lanes[8] = {};
};
struct Wide {
  char text[200] = {};
  int number = 0;
};
struct Packed {
  int number = 0;
  MSGPACK_DEFINE(number)
};

std::vector<double> numbers(std::size_t count) {
  std::vector<double> items(count);
  std::iota(items.begin(), items.end(), 0.0);
  return items;
}

double sum(View<std::vector<double>> values) { return std::accumulate(values.begin(), values.end(), 0.0); }
double sum_both(const View<std::vector<double>> &left, View<std::vector<double>> &&right) {
  return std::accumulate(left.begin(), left.end(), std::accumulate(right.begin(), right.end(), 0.0));
}
std::size_t length(View<std::string> text) { return text.text().size(); }
double far(View<Point> point) { return point->x + (*point).y; }
std::size_t count_points(const View<std::vector<Point>> &points) { return points.size(); }
std::string blob(std::size_t bytes) { return std::string(bytes, 'b'); }
Point mirror(Point point) { return {-point.x, -point.y, point.tag + 1}; }
std::vector<Point> mirror_all(std::vector<Point> points) {
  for (Point &point : points) point = mirror(point);
  return points;
}

// Bytes of object data that a process has mapped writable: the data region begins above 8 GiB.
std::uint64_t writable_bytes(const std::string &pid) {
  std::ifstream maps("/proc/" + pid + "/maps");
  std::uint64_t sum = 0;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uint64_t from = 0, to = 0, offset = 0;
    std::string rights;
    char dash = 0;
    fields >> std::hex >> from >> dash >> to >> rights >> offset;
    if (rights == "rw-s" && offset > (8ull << 30)) sum += to - from;
  }
  return sum;
}
std::uint64_t writable_in_worker(View<std::vector<double>> values) {
  return values.empty() ? ~0ull : writable_bytes("self");
}

// Kept by the worker beyond the task.
std::optional<View<std::vector<double>>> kept;
int keep(View<std::vector<double>> values) {
  kept = values;
  return ::getpid();
}
double last_kept(int) { return kept ? (*kept)[kept->size() - 1] : -1; }
int let_go(int) {
  kept.reset();
  return ::getpid();
}

void no_core() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}
int scribble(View<std::vector<double>> values) {
  no_core();
  const_cast<volatile double &>(values[values.size() / 2]) = -1;
  return 0;
}
int scribble_small(View<std::vector<double>> values) {
  const_cast<volatile double &>(values[0]) = -1;
  return static_cast<int>(values[0]);
}

RAY_REMOTE(writable_in_worker, sum, sum_both, length, far, count_points, blob, mirror, mirror_all, keep, last_kept,
           let_go, scribble, scribble_small);

template <typename To, typename From>
ray::ObjectRef<To> as(const ray::ObjectRef<From> &reference) {
  return ray::ObjectRef<To>(reference.ID());
}
template <typename To, typename From>
std::string refusal(const ray::ObjectRef<From> &reference) {
  return text_thrown_by<RayException>([&] { mobula::view(as<To>(reference)); });
}

// Of this process, in KiB, from /proc/self/status.
std::uint64_t private_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key;) {
    std::uint64_t kib = 0;
    if (key == "RssAnon:" && status >> kib) return kib;
  }
  return 0;
}

}  // namespace

TEST_SUITE("process/views") {
  TEST_CASE("a view shows the elements of arrays, strings, bytes and structs where they lie") {
    CHECK(in_session([] {
      for (const std::size_t count : {0ul, 1ul, 14ul, 15ul, 1000ul, 3 * kMiB}) {
        CAPTURE(count);
        const auto values = numbers(count);
        const auto view = mobula::view(ray::Put(values));
        CHECK(view.size() == count);
        CHECK(view.empty() == (count == 0));
        CHECK(std::equal(view.begin(), view.end(), values.begin(), values.end()));
        CHECK(reinterpret_cast<std::uintptr_t>(view.data()) % alignof(double) == 0);
      }
      CHECK(mobula::view(ray::Put(std::string("short"))).text() == "short");
      const auto long_text = mobula::view(ray::Put(std::string(1000, 'l')));
      const std::string_view text = long_text;
      CHECK(text == std::string(1000, 'l'));
      CHECK(mobula::view(ray::Put(std::vector<std::byte>(300, std::byte{7})))[299] == std::byte{7});
      const auto point = mobula::view(ray::Put(Point{1, 2, 3}));
      CHECK(point->x + (*point).y + point->tag == 6);
      Wide wide;
      wide.number = 9;
      CHECK(mobula::view(ray::Put(wide))->number == 9);
      const std::vector<Point> points(100, Point{4, 5, 6});
      CHECK(mobula::view(ray::Put(points))[99].tag == 6);
      const auto aligned = mobula::view(ray::Put(Aligned{{1}}));
      CHECK(reinterpret_cast<std::uintptr_t>(&*aligned) % 64 == 0);
      const auto many = mobula::view(ray::Put(std::vector<Aligned>(5)));
      CHECK(reinterpret_cast<std::uintptr_t>(many.data()) % 64 == 0);
    }));
  }

  TEST_CASE("two views of one large object are one memory, and nothing is copied") {
    CHECK(in_session(small_session(30'000, {{"MOBULA_MEMORY", "128MiB"}}), [] {
      const auto object = ray::Task(blob).Remote(64 * kMiB);
      ray::Wait(std::vector{object}, 1, -1);
      const std::uint64_t before = private_kib();
      const auto view = mobula::view(object);
      std::vector<View<std::string>> copies(100, view);
      CHECK(copies[99].data() == view.data());
      CHECK(mobula::view(object).data() == view.data());
      CHECK(std::accumulate(view.begin(), view.end(), std::uint64_t{0}) == 64 * kMiB * 'b');
      CHECK(private_kib() - before < 4096);
    }));
  }

  TEST_CASE("a view is a handle: the object stays when every reference is gone") {
    CHECK(in_session([] {
      auto object = ray::Put(numbers(kMiB));
      View<std::vector<double>> view = mobula::view(object);
      object = {};
      for (int i = 0; i < 20; ++i) ray::Put(std::string(2 * kMiB, 'x'));
      CHECK(view[kMiB - 1] == kMiB - 1);
      const auto again = view.object();
      view = View<std::vector<double>>();
      CHECK(view.empty());
      CHECK((*again.Get())[7] == 7);
      std::string id = again.ID();
      CHECK(view.reference().empty());
    }));
  }

  TEST_CASE("views are copied, moved and assigned, inline ones and others") {
    CHECK(in_session([] {
      const auto small = mobula::view(ray::Put(numbers(3)));
      const auto large = mobula::view(ray::Put(numbers(1000)));
      View<std::vector<double>> view = small;
      View<std::vector<double>> moved = std::move(view);
      CHECK(moved[2] == 2);
      CHECK(view.empty());
      CHECK(moved.data() != small.data());
      view = large;
      CHECK(view.data() == large.data());
      moved = view;
      CHECK(moved[999] == 999);
      moved = small;
      CHECK(moved.size() == 3);
      const auto &same = moved;
      moved = same;
      CHECK(moved[1] == 1);
      moved = std::move(view);
      CHECK(moved[998] == 998);
      auto kept_alone = std::make_unique<View<std::vector<double>>>(small);
      moved = *kept_alone;
      kept_alone.reset();
      CHECK(moved[2] == 2);
    }));
  }

  TEST_CASE("another type, size or format is an error that names both") {
    CHECK(in_session([] {
      CHECK(contains(refusal<std::vector<float>>(ray::Put(numbers(4))),
                     "an array of f64, 32 bytes; a view of an array of f32"));
      CHECK(contains(refusal<std::vector<double>>(ray::Put(7)), "a msgpack value"));
      CHECK(contains(refusal<Point>(ray::Put(Wide())), "structs of 204 bytes"));
      CHECK(contains(refusal<Point>(ray::Put(std::vector<Point>(2))),
                     "48 bytes; a view of structs of 24 bytes, 24 bytes,"));
      CHECK(contains(refusal<Packed>(ray::Put(Packed{1})), "a msgpack value"));
      CHECK(contains(refusal<std::vector<std::int8_t>>(ray::Put(std::string("text"))), "a string"));
      CHECK(refusal<std::vector<char>>(ray::Put(std::string("text"))).empty());
      CHECK(refusal<std::string>(ray::Put(std::vector<unsigned char>(200))).empty());
      CHECK(refusal<std::vector<Point>>(ray::Put(Point())).empty());
    }));
  }

  TEST_CASE("a struct that msgpack packs can be viewed when it was put raw, and Get reads it too") {
    CHECK(in_session([] {
      const auto raw = mobula::put(Packed{5});
      CHECK(mobula::view(raw)->number == 5);
      CHECK(raw.Get()->number == 5);
      const auto several = mobula::put(std::vector<Packed>(3, Packed{6}));
      CHECK(mobula::view(several)[2].number == 6);
      CHECK((*several.Get())[1].number == 6);
      CHECK(*mobula::put(std::string("text")).Get() == "text");
      CHECK(*mobula::put(7).Get() == 7);
    }));
  }

  TEST_CASE("a view waits as Get does, and throws what Get throws") {
    CHECK(in_session([] {
      const auto missing = ray::ObjectRef<std::string>(std::string(15, '\7'));
      CHECK_THROWS_AS(mobula::view(missing), ray::internal::UnreconstructableException);
      CHECK(mobula::view(ray::Task(blob).Remote(2 * kMiB), 20'000).size() == 2 * kMiB);
      CHECK(mobula::view(ray::Task(blob).Remote(10ul)).text() == std::string(10, 'b'));
    }));
  }

  TEST_CASE("structs that are their bytes travel through tasks") {
    CHECK(in_session([] {
      CHECK(ray::Task(mirror).Remote(Point{1, 2, 3}).Get()->tag == 4);
      CHECK(ray::Task(mirror).Remote(ray::Put(Point{1, 2, 3})).Get()->x == -1);
      const std::vector<Point> points(10'000, Point{1, 1, 1});
      const auto mirrored = ray::Task(mirror_all).Remote(points);
      CHECK(mobula::view(mirrored)[9'999].y == -1);
      CHECK(mirrored.Get()->size() == 10'000);
    }));
  }

  TEST_CASE("tasks take views of references, of values and of other views") {
    CHECK(in_session([] {
      const auto values = numbers(1000);
      const auto object = ray::Put(values);
      const double total = 999 * 1000 / 2;
      CHECK(*ray::Task(sum).Remote(object).Get() == total);
      CHECK(*ray::Task(sum).Remote(values).Get() == total);
      CHECK(*ray::Task(sum).Remote(mobula::view(object)).Get() == total);
      CHECK(*ray::Task(sum).Remote(numbers(3)).Get() == 3);
      CHECK(*ray::Task(sum_both).Remote(object, values).Get() == 2 * total);
      CHECK(*ray::Task(length).Remote("text").Get() == 4);
      CHECK(*ray::Task(length).Remote(ray::Task(blob).Remote(500'000ul)).Get() == 500'000);
      CHECK(*ray::Task(far).Remote(Point{1, 2, 3}).Get() == 3);
      CHECK(*ray::Task(count_points).Remote(std::vector<Point>(70)).Get() == 70);
      const std::string text =
          text_thrown_by<RayException>([&] { ray::Task(sum).Remote(ray::Put(std::string("text"))).Get(); });
      CHECK(contains(text, "argument 1: Type mismatch: the object is a string, 4 bytes"));
    }));
  }

  TEST_CASE("a view that a worker keeps holds the object beyond the task, until it lets go") {
    CHECK(in_session(small_session(30'000, {{"MOBULA_WORKERS", "1"}}), [] {
      auto object = ray::Put(numbers(kMiB));
      const std::string id = object.ID();
      const int pid = *ray::Task(keep).Remote(object).Get();
      object = {};
      for (int i = 0; i < 30; ++i) ray::Put(std::string(2 * kMiB, 'x'));
      CHECK(*ray::Task(last_kept).Remote(0).Get() == kMiB - 1);
      CHECK_FALSE(ray::ObjectRef<std::vector<double>>(id).reference().empty());
      CHECK(*ray::Task(let_go).Remote(0).Get() == pid);
      CHECK(eventually([&] { return ray::ObjectRef<std::vector<double>>(id).reference().empty(); }));
    }));
  }

  TEST_CASE("who writes no object has none of the data mapped writable, who writes one a chunk") {
    CHECK(in_session([] {
      CHECK(writable_bytes("self") == 0);
      const auto object = ray::Put(numbers(1000));
      CHECK(*ray::Task(writable_in_worker).Remote(object).Get() == 0);
      CHECK(writable_bytes(std::to_string(raylet_of(own_session()))) == 0);
      const std::uint64_t own = writable_bytes("self");
      CHECK(own > 0);
      CHECK(own <= 8 * kMiB);  // of 64
    }));
  }

  TEST_CASE("a write through a view kills the writer alone, and the object stays as it was") {
    CHECK(in_session([] {
      const auto object = ray::Put(numbers(kMiB));
      const auto view = mobula::view(object);
      const auto failed = mobula::with_retries(ray::Task(scribble), 0).Remote(object);
      const std::string text = text_thrown_by<RayWorkerException>([&] { failed.Get(); });
      CHECK(contains(text, "signal 11"));
      CHECK(view[kMiB / 2] == kMiB / 2);
      CHECK(*ray::Task(sum).Remote(object).Get() == (kMiB - 1.0) * kMiB / 2);
    }));
  }

  TEST_CASE("a write through a view of a small object changes the writer's copy only") {
    CHECK(in_session([] {
      const auto object = ray::Put(numbers(4));
      const auto view = mobula::view(object);
      CHECK(*ray::Task(scribble_small).Remote(object).Get() == -1);
      CHECK(view[0] == 0);
      CHECK(*object.Get() == numbers(4));
    }));
  }

  TEST_CASE("threads view one object at the same time") {
    CHECK(in_session([] {
      const auto object = ray::Put(numbers(10'000));
      std::atomic<int> good{0};
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          for (int i = 0; i < 2000; ++i) good += mobula::view(object)[9'999] == 9'999;
        });
      }
      for (std::thread &thread : threads) thread.join();
      CHECK(good == 8000);
    }));
  }

  TEST_CASE("a view that outlives Shutdown may be dropped") {
    CHECK(in_session([] {
      static std::optional<View<std::string>> left;
      left = mobula::view(ray::Put(std::string(1000, 'x')));
      ray::Shutdown();
      CHECK(left->size() == 1000);
      CHECK((*left)[5] == '\0');
      left.reset();
      ray::Init();
      CHECK(mobula::view(ray::Put(std::string(1000, 'y'))).text()[999] == 'y');
    }));
  }
}
