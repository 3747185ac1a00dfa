// How long objects live: references in values, in results, in tasks, after Shutdown; and that nothing stays behind.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "process/session_case.h"
#include "support/child.h"

using namespace mobula::process;

namespace {

constexpr std::size_t kMiB = 1u << 20;

using Numbers = std::vector<int>;
using NumbersRef = ray::ObjectRef<Numbers>;

struct Parcel {
  std::string label;
  std::vector<NumbersRef> parts;
  MSGPACK_DEFINE(label, parts)
};

Numbers make_numbers(int first, int count) {
  Numbers numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(first + i);
  return numbers;
}
int sum(Numbers numbers) {
  int total = 0;
  for (const int number : numbers) total += number;
  return total;
}
int largest(Numbers numbers) { return *std::max_element(numbers.begin(), numbers.end()); }
int average(Numbers numbers) { return sum(numbers) / static_cast<int>(numbers.size()); }
int size_later(std::string text, int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return static_cast<int>(text.size());
}
std::string make_text(int bytes, int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return std::string(static_cast<std::size_t>(bytes), 't');
}
std::vector<NumbersRef> put_three() { return {ray::Put(Numbers{0}), ray::Put(Numbers{50}), ray::Put(Numbers{100})}; }
int sum_of_parts(Parcel parcel) {
  int total = 0;
  for (const NumbersRef &part : parcel.parts) total += sum(*part.Get());
  return total;
}
Parcel wrap(std::string label, std::vector<NumbersRef> parts) { return {label, parts}; }
int double_it(int value) { return value * 2; }
int add_ten(int value) { return value + 10; }
int triple(int value) { return value * 3; }
int answer() { return 42; }

RAY_REMOTE(make_numbers, sum, largest, average, size_later, make_text, put_three, sum_of_parts, wrap, double_it,
           add_ten, triple, answer);

std::uint64_t used_bytes() { return number_after(status_of(own_session()), "used_bytes"); }
std::uint64_t objects() { return number_after(status_of(own_session()), "objects"); }

// True once the store holds no more than at the start of the case.
bool comes_back_to(std::uint64_t bytes) {
  return eventually([&] { return used_bytes() <= bytes; });
}

// A session, with the bytes and objects in use before and after `body`; the same amount at the end.
mobula::support::RunResult leaving_nothing(const std::function<void()> &body) {
  return in_session([&body] {
    ray::Task(answer).Remote().Get();
    const std::uint64_t bytes_before = used_bytes();
    const std::uint64_t objects_before = objects();
    body();
    CHECK(comes_back_to(bytes_before));
    CHECK(eventually([&] { return objects() <= objects_before; }));
  });
}

bool is_gone(const std::string &id) {
  return !text_thrown_by<ray::internal::RayException>([&] { ray::ObjectRef<int>(id).Get(); }).empty();
}

ray::ObjectRef<std::string> outlives_everything;

}  // namespace

TEST_SUITE("process/references") {
  TEST_CASE("a reference argument becomes its value") {
    CHECK(in_session([] {
      CHECK(*ray::Task(double_it).Remote(ray::Put(42)).Get() == 84);
      const auto five = ray::Put(5);
      const auto fifteen = ray::Task(add_ten).Remote(five);
      CHECK(*ray::Task(triple).Remote(fifteen).Get() == 45);
    }));
  }

  TEST_CASE("one producer has three consumers") {
    CHECK(in_session([] {
      const auto numbers = ray::Task(make_numbers).Remote(1, 5);
      const auto total = ray::Task(sum).Remote(numbers);
      const auto most = ray::Task(largest).Remote(numbers);
      const auto mean = ray::Task(average).Remote(numbers);
      CHECK(*total.Get() == 15);
      CHECK(*most.Get() == 5);
      CHECK(*mean.Get() == 3);
    }));
  }

  TEST_CASE("ten threads wait for one pending object through copies of its reference") {
    CHECK(in_session([] {
      const auto pending = ray::Task(make_text).Remote(1000, 100);
      std::atomic<int> good{0};
      std::vector<std::thread> threads;
      for (int i = 0; i < 10; ++i) threads.emplace_back([pending, &good] { good += pending.Get()->size() == 1000; });
      for (std::thread &thread : threads) thread.join();
      CHECK(good == 10);
    }));
  }

  TEST_CASE("many consumers of a large object share one copy of it") {
    CHECK(in_session([] {
      const std::uint64_t before = used_bytes();
      const auto text = ray::Put(std::string(24 * kMiB, 'x'));
      std::vector<ray::ObjectRef<int>> sizes;
      for (int i = 0; i < 6; ++i) sizes.push_back(ray::Task(size_later).Remote(text, 50));
      CHECK(used_bytes() - before < 40 * kMiB);
      for (const auto &size : ray::Get(sizes)) CHECK(*size == static_cast<int>(24 * kMiB));
      CHECK(used_bytes() - before < 40 * kMiB);
    }));
  }

  TEST_CASE("references in a result stay good after the task that made them has ended") {
    CHECK(in_session([] {
      const auto list = ray::Task(put_three).Remote();
      const auto references = list.Get();
      Numbers seen;
      for (const auto &numbers : ray::Get(*references)) seen.push_back(numbers->front());
      CHECK(seen == Numbers{0, 50, 100});
    }));
  }

  TEST_CASE("a value keeps the objects alive whose references it contains") {
    CHECK(leaving_nothing([] {
      ray::ObjectRef<Parcel> parcel;
      {
        const std::vector<NumbersRef> parts{ray::Put(Numbers{1, 2}), ray::Put(Numbers(50'000, 1))};
        parcel = ray::Put(Parcel{"two parts", parts});
      }
      for (int i = 0; i < 200; ++i) ray::Put(std::string(100'000, 'f'));
      CHECK(*ray::Task(sum_of_parts).Remote(parcel).Get() == 50'003);
      CHECK(*ray::Task(sum_of_parts).Remote(*parcel.Get()).Get() == 50'003);
      const auto part = parcel.Get()->parts[1];
      parcel = {};
      CHECK(part.Get()->size() == 50'000);
    }));
  }

  TEST_CASE("values of references pass from task to task, two levels deep") {
    CHECK(leaving_nothing([] {
      const auto parcel = ray::Task(wrap).Remote(std::string("inner"), *ray::Task(put_three).Remote().Get());
      CHECK(*ray::Task(sum_of_parts).Remote(parcel).Get() == 150);
      const auto outer = ray::Put(std::vector<ray::ObjectRef<Parcel>>{parcel, parcel});
      CHECK(sum_of_parts(*outer.Get()->at(1).Get()) == 150);
    }));
  }

  TEST_CASE("dropping the last reference gives the bytes back") {
    CHECK(leaving_nothing([] {
      const std::uint64_t before = used_bytes();
      auto text = ray::Put(std::string(20 * kMiB, 'x'));
      auto copy = text;
      text = {};
      CHECK(used_bytes() - before >= 20 * kMiB);
      copy = {};
      CHECK(comes_back_to(before));
    }));
  }

  TEST_CASE("a store of 64 MiB takes a thousand objects of 8 MiB when each is dropped") {
    CHECK(in_session(small_session(60'000), [] {
      for (int i = 0; i < 1000; ++i) {
        mobula::Draft draft;
        REQUIRE(mobula::runtime::create(8 * kMiB, mobula::format_of(mobula::Encoding::kString), &draft) == nullptr);
        mobula::Reference reference;
        REQUIRE(mobula::runtime::seal(std::move(draft), nullptr, 0, &reference) == nullptr);
      }
    }));
  }

  TEST_CASE("results that nobody waits for are freed when they arrive") {
    CHECK(leaving_nothing([] {
      for (int round = 0; round < 40; ++round) ray::Task(make_text).Remote(static_cast<int>(4 * kMiB), 1);
      CHECK(ray::Task(make_text).Remote(10, 0).Get()->size() == 10);
    }));
  }

  TEST_CASE("an argument lives until its task has run, though the driver has dropped it") {
    CHECK(leaving_nothing([] {
      std::vector<ray::ObjectRef<int>> sizes;
      for (int i = 0; i < 8; ++i) {
        sizes.push_back(ray::Task(size_later).Remote(ray::Put(std::string(6 * kMiB, 'x')), 20));
      }
      for (const auto &size : ray::Get(sizes)) CHECK(*size == static_cast<int>(6 * kMiB));
    }));
  }

  TEST_CASE("an ID is gone when its last reference is") {
    CHECK(in_session([] {
      const std::string id = ray::Put(7).ID();
      // The raylet frees it a moment later; until then the object may be taken up again.
      CHECK(eventually([&] { return is_gone(id); }));
    }));
  }

  TEST_CASE("handles that outlive Shutdown are copied and dropped in peace, and name nothing in the next session") {
    CHECK(in_session(small_session(), [] {
      auto reference = ray::Put(std::string(100, 'x'));
      const auto pending = ray::Task(make_text).Remote(10, 5);
      std::vector<ray::ObjectRef<std::string>> copies(10, reference);
      ray::Shutdown();
      const auto late_copy = reference;
      copies.resize(20, late_copy);
      CHECK_THROWS_AS(reference.Get(), ray::internal::RayException);
      CHECK_THROWS_AS(pending.Get(), ray::internal::RayException);
      ray::Init();
      CHECK_THROWS_AS(reference.Get(), ray::internal::RayException);
      CHECK_THROWS_AS(ray::Task(size_later).Remote(reference, 0).Get(), ray::internal::RayException);
      copies.clear();
      reference = ray::Put(std::string("new"));
      CHECK(*reference.Get() == "new");
    }));
  }

  TEST_CASE("handles that outlive Shutdown keep no descriptor open") {
    CHECK(in_session([] {
      const auto reference = ray::Put(1);
      ray::Shutdown();
    }));
  }

  TEST_CASE("a static handle is dropped after main without harm") {
    CHECK(mobula::support::run_isolated(small_session(), [] {
      // exit() runs the destructors of static objects; the case itself ends without them.
      mobula::support::Child program([] {
        ray::Init();
        outlives_everything = ray::Put(std::string(1000, 's'));
        ray::Shutdown();
        std::exit(7);
      });
      CHECK(program.wait().exit_code == 7);
      mobula::support::Child without_shutdown([] {
        ray::Init();
        outlives_everything = ray::Put(std::string(1000, 's'));
        std::exit(8);
      });
      CHECK(without_shutdown.wait().exit_code == 8);
    }));
  }
}
