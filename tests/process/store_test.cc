// Values in the store: put, get, types, identity, many at once.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <numeric>
#include <thread>

#include "process/session_case.h"

using namespace mobula::process;

namespace {

constexpr std::size_t kMiB = 1u << 20;

std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  std::uint32_t state = 2463534242u;
  for (char &c : text) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    c = static_cast<char>(state);
  }
  return text;
}

struct Point {
  int x = 0;
  double y = 0;
  std::string label;
  MSGPACK_DEFINE(x, y, label)
  bool operator==(const Point &other) const { return x == other.x && y == other.y && label == other.label; }
};

struct Shape {
  std::vector<Point> corners;
  std::map<std::string, int> tags;
  MSGPACK_DEFINE(corners, tags)
};

bool is_pattern(std::string text, std::size_t bytes) { return text == pattern(bytes); }
std::string make_pattern(std::size_t bytes) { return pattern(bytes); }
Point mirror(Point point) { return {-point.x, -point.y, point.label + "'"}; }
Shape turn(Shape shape) {
  for (Point &corner : shape.corners) corner = mirror(corner);
  shape.tags["turned"] = 1;
  return shape;
}
double sum_of_doubles(std::vector<double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }
int identity(int value) { return value; }

RAY_REMOTE(is_pattern, make_pattern, mirror, turn, sum_of_doubles, identity);

// The same object under another type.
template <typename To, typename From>
ray::ObjectRef<To> as(const ray::ObjectRef<From> &reference) {
  return ray::ObjectRef<To>(reference.ID());
}

template <typename To, typename From>
bool refuses(const From &value) {
  const auto reference = ray::Put(value);
  return !text_thrown_by<ray::internal::RayException>([&] { as<To>(reference).Get(); }).empty();
}

// One thread of the mixed load: its own objects, and copies of one that all share.
void run_mixed_calls(int thread, int calls, const ray::ObjectRef<std::string> &shared, std::atomic<int> &failures) {
  std::vector<ray::ObjectRef<int>> held;
  for (int i = 0; i < calls; ++i) {
    switch (i % 5) {
      case 0:
        held.push_back(ray::Put(thread * calls + i));
        break;
      case 1:
        failures += *held.back().Get() != thread * calls + i - 1;
        break;
      case 2: {
        const ray::ObjectRef<std::string> copy = shared;
        failures += copy.Get()->size() != 1000;
        break;
      }
      case 3:
        if (i % 200 == 3)
          held.push_back(ray::Task(identity).Remote(held.back()));
        else
          held.push_back(held.back());
        break;
      default:
        failures += *held[held.size() / 2].Get() / calls != thread;
        if (held.size() > 100) held.erase(held.begin(), held.begin() + 90);
    }
  }
}

}  // namespace

TEST_SUITE("process/store") {
  TEST_CASE("bytes of every size arrive unchanged in another process, and come back") {
    CHECK(in_session([] {
      for (const std::size_t bytes :
           {0ul, 1ul, 15ul, 100ul, 127ul, 128ul, 129ul, 4095ul, 4096ul, 4097ul, 65536ul, 65537ul, kMiB, 8 * kMiB + 1}) {
        CAPTURE(bytes);
        CHECK(*ray::Task(is_pattern).Remote(ray::Put(pattern(bytes)), bytes).Get());
        CHECK(*ray::Task(is_pattern).Remote(pattern(bytes), bytes).Get());
        CHECK(*ray::Task(make_pattern).Remote(bytes).Get() == pattern(bytes));
      }
    }));
  }

  TEST_CASE("numbers, strings, containers and structs come back as they were put") {
    CHECK(in_session([] {
      CHECK(*ray::Get(ray::Put(42)) == 42);
      CHECK(*ray::Get(ray::Put(-1.5)) == -1.5);
      CHECK(*ray::Get(ray::Put(true)) == true);
      CHECK(*ray::Get(ray::Put(INT64_MIN)) == INT64_MIN);
      CHECK(*ray::Get(ray::Put(UINT64_MAX)) == UINT64_MAX);
      CHECK(*ray::Get(ray::Put(std::string("with a \0 inside", 15))) == std::string("with a \0 inside", 15));
      const std::vector<std::string> words{"a", "", "ccc"};
      CHECK(*ray::Get(ray::Put(words)) == words);
      const std::map<int, std::vector<float>> table{{1, {1.5f}}, {2, {}}};
      CHECK(*ray::Get(ray::Put(table)) == table);
      const Point point{1, 2.5, "p"};
      CHECK(*ray::Get(ray::Put(point)) == point);
      CHECK(*ray::Task(mirror).Remote(point).Get() == Point{-1, -2.5, "p'"});
      const auto turned = ray::Task(turn).Remote(ray::Put(Shape{{point, point}, {{"k", 7}}})).Get();
      CHECK(turned->corners == std::vector<Point>{{-1, -2.5, "p'"}, {-1, -2.5, "p'"}});
      CHECK(turned->tags == std::map<std::string, int>{{"k", 7}, {"turned", 1}});
    }));
  }

  TEST_CASE("a large object makes the round trip") {
    CHECK(in_session([] {
      std::vector<double> values(2 * kMiB);
      std::iota(values.begin(), values.end(), 0.0);
      const auto reference = ray::Put(values);
      CHECK(*reference.Get() == values);
      CHECK(*ray::Task(sum_of_doubles).Remote(reference).Get() == sum_of_doubles(values));
    }));
  }

  TEST_CASE("arrays are converted as msgpack converts them") {
    CHECK(in_session([] {
      const auto integers = ray::Put(std::vector<int>{1, 2, 3});
      CHECK(*as<std::vector<double>>(integers).Get() == std::vector<double>{1, 2, 3});
      CHECK(*as<std::vector<std::int8_t>>(integers).Get() == std::vector<std::int8_t>{1, 2, 3});
      CHECK(*as<std::vector<std::uint64_t>>(integers).Get() == std::vector<std::uint64_t>{1, 2, 3});
      CHECK(*as<std::list<long>>(integers).Get() == std::list<long>{1, 2, 3});
      CHECK(*as<std::array<int, 3>>(integers).Get() == std::array<int, 3>{1, 2, 3});
      CHECK(*ray::Task(sum_of_doubles).Remote(as<std::vector<double>>(integers)).Get() == 6.0);
      CHECK(*as<std::vector<int>>(ray::Put(std::list<int>{4, 5})).Get() == std::vector<int>{4, 5});
      CHECK(*as<std::vector<double>>(ray::Put(std::vector<float>{0.5f})).Get() == std::vector<double>{0.5});
      CHECK(refuses<std::vector<unsigned>>(std::vector<int>{-1}));
      CHECK(refuses<std::vector<std::int8_t>>(std::vector<int>{300}));
      CHECK(refuses<std::vector<std::string>>(std::vector<int>{1}));
    }));
  }

  TEST_CASE("the wrong type is an error that says so, and the object stays good") {
    CHECK(in_session([] {
      CHECK(refuses<int>(std::string("text")));
      CHECK(refuses<std::string>(7));
      CHECK(refuses<Point>(std::vector<std::string>{"x"}));
      const auto reference = ray::Put(std::string("text"));
      const std::string text = text_thrown_by<ray::internal::RayException>([&] { as<int>(reference).Get(); });
      CHECK(contains(text, "ype mismatch"));
      CHECK(*reference.Get() == "text");
    }));
  }

  TEST_CASE("bytes that look like an error come back as bytes") {
    CHECK(in_session([] {
      const std::string marker = "__RUSTYRAY_ERROR__the task failed";
      const std::string flat(std::string("\x10\0\0\0MERR", 8) + std::string(80, '\1'));
      for (const std::string &payload : {marker, flat, std::string("\xc1\xc1\xc1"), std::string(95, '_')}) {
        CHECK(*ray::Put(payload).Get() == payload);
        CHECK(*as<std::string>(ray::Put(std::vector<std::uint8_t>(payload.begin(), payload.end()))).Get() == payload);
      }
    }));
  }

  TEST_CASE("a reference may be taken again by its ID, and copies are equal") {
    CHECK(in_session([] {
      const auto first = ray::Put(11);
      const ray::ObjectRef<int> copy = first;
      const ray::ObjectRef<int> by_id(first.ID());
      CHECK(copy == first);
      CHECK(by_id == first);
      CHECK(*copy.Get() + *by_id.Get() == 22);
      CHECK_FALSE(ray::Put(11) == first);
      CHECK(*ray::Get<int>(std::vector<std::string>{first.ID(), copy.ID()}).back() == 11);
    }));
  }

  TEST_CASE("batches keep their order") {
    CHECK(in_session([] {
      std::vector<ray::ObjectRef<int>> references;
      for (int i = 0; i < 1000; ++i) references.push_back(ray::Put(i));
      const auto values = ray::Get(references);
      REQUIRE(values.size() == 1000);
      for (int i = 0; i < 1000; ++i) REQUIRE(*values[static_cast<std::size_t>(i)] == i);
      CHECK(ray::Get(std::vector<ray::ObjectRef<int>>{}).empty());
    }));
  }

  TEST_CASE("five threads read ten objects at the same time") {
    CHECK(in_session([] {
      std::vector<ray::ObjectRef<std::string>> references;
      for (std::size_t i = 0; i < 10; ++i) references.push_back(ray::Put(pattern(1000 * i)));
      std::atomic<int> good{0};
      std::vector<std::thread> threads;
      for (int t = 0; t < 5; ++t) {
        threads.emplace_back([&] {
          for (std::size_t i = 0; i < 10; ++i) good += *references[i].Get() == pattern(1000 * i);
        });
      }
      for (std::thread &thread : threads) thread.join();
      CHECK(good == 50);
    }));
  }

  TEST_CASE("eight threads mix a hundred thousand calls each and get what they put") {
    CHECK(in_session(small_session(60'000), [] {
      const auto shared = ray::Put(std::string(1000, 's'));
      std::atomic<int> failures{0};
      std::vector<std::thread> threads;
      for (int t = 0; t < 8; ++t) threads.emplace_back([&, t] { run_mixed_calls(t, 100'000, shared, failures); });
      for (std::thread &thread : threads) thread.join();
      CHECK(failures == 0);
      CHECK(*shared.Get() == std::string(1000, 's'));
    }));
  }

  TEST_CASE("an ID that never was an object fails at once, by its own type of exception") {
    CHECK(in_session([] {
      const auto start = Clock::now();
      for (const std::string &id :
           {std::string(15, '\7'), std::string(15, '\xff'), std::string("short"), std::string()}) {
        CAPTURE(id.size());
        CHECK_THROWS_AS(ray::ObjectRef<int>(id).Get(), ray::internal::UnreconstructableException);
      }
      CHECK(milliseconds_since(start) < 1000);
    }));
  }
}
