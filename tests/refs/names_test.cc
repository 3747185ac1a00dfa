// The table of names, as its writer changes it and readers see it.
#include "refs/names.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "segment/test_segment.h"

namespace mobula::refs {
namespace {

using Change = NameTable::Change;
using segment::kNoEntry;

struct Table {
  std::unique_ptr<segment::Segment> segment = segment::create_segment();
  NameTable names{*segment};
  std::uint32_t replaced = kNoEntry;

  Change publish(std::string_view name, std::uint32_t entry, bool replace = false) {
    return names.publish(name, {entry, entry + 100ull}, replace, &replaced);
  }
  std::uint32_t entry_of(std::string_view name) const {
    const auto found = find_name(*segment, name);
    if (!found) return kNoEntry;
    CHECK(found->object.generation == found->object.entry + 100ull);
    return found->object.entry;
  }
};

TEST_SUITE("refs/names") {
  TEST_CASE("before the first name nothing is found, and no memory is taken") {
    Table table;
    CHECK(table.entry_of("anything") == kNoEntry);
    CHECK(table.segment->names_reserved() == 0);
    CHECK(table.names.unpublish("anything") == kNoEntry);
    CHECK(list_names(*table.segment).empty());
  }

  TEST_CASE("a name stands for its object until it is taken off or given to another") {
    Table table;
    CHECK(table.publish("a", 7) == Change::kDone);
    CHECK(table.entry_of("a") == 7);
    CHECK(table.publish("a", 8) == Change::kTaken);
    CHECK(table.entry_of("a") == 7);
    CHECK(table.publish("a", 8, true) == Change::kDone);
    CHECK(table.replaced == 7);
    CHECK(table.entry_of("a") == 8);
    CHECK(table.names.size() == 1);
    CHECK(table.names.unpublish("a") == 8);
    CHECK(table.entry_of("a") == kNoEntry);
    CHECK(table.names.size() == 0);
  }

  TEST_CASE("names may hold any bytes, up to their limit") {
    Table table;
    const std::string zero("\0\0", 2);
    const std::string longest(base::kNameBytesMax, 'x');
    CHECK(table.publish(zero, 1) == Change::kDone);
    CHECK(table.publish(longest, 2) == Change::kDone);
    CHECK(table.entry_of(zero) == 1);
    CHECK(table.entry_of(std::string("\0", 1)) == kNoEntry);
    CHECK(table.entry_of(longest) == 2);
    CHECK(table.entry_of(longest + "x") == kNoEntry);
    CHECK(table.entry_of(longest.substr(1)) == kNoEntry);
    CHECK(problem_of(longest).empty());
    CHECK_FALSE(problem_of(longest + "x").empty());
    CHECK_FALSE(problem_of("").empty());
  }

  TEST_CASE("all names of an object go with it, and those of others stay") {
    Table table;
    for (const char *name : {"one", "two", "three"}) CHECK(table.publish(name, 4) == Change::kDone);
    CHECK(table.publish("other", 5) == Change::kDone);
    CHECK(table.names.count_of(4) == 3);
    table.names.unpublish_all(4);
    CHECK(table.names.count_of(4) == 0);
    CHECK(table.entry_of("two") == kNoEntry);
    CHECK(table.entry_of("other") == 5);
    table.names.unpublish_all(999);
    CHECK(table.names.size() == 1);
  }

  TEST_CASE("random changes leave what a map has, also where names share a bucket") {
    Table table;
    std::map<std::string, std::uint32_t> expected;
    std::mt19937 random(5);
    for (int i = 0; i < 40'000; ++i) {
      const std::string name = "name " + std::to_string(random() % 3'000);
      const auto entry = static_cast<std::uint32_t>(random() % 500);
      if (random() % 3 == 0) {
        table.names.unpublish(name);
        expected.erase(name);
      } else if (table.publish(name, entry, true) == Change::kDone) {
        expected[name] = entry;
      }
    }
    CHECK(table.names.size() == expected.size());
    for (const auto &[name, entry] : expected) CHECK(table.entry_of(name) == entry);
    const auto listed = list_names(*table.segment);
    CHECK(listed.size() == expected.size());
    for (const ListedName &one : listed) CHECK(expected.at(one.name) == one.object.entry);
  }

  TEST_CASE("a full table refuses one name more, and takes it when another has gone") {
    Table table;
    for (std::uint32_t i = 0; i < base::kNamesMax; ++i) {
      REQUIRE(table.publish("n" + std::to_string(i), i % 1'000) == Change::kDone);
    }
    CHECK(table.publish("more", 1) == Change::kFull);
    CHECK(table.entry_of("n65535") == 65'535 % 1'000);
    table.names.unpublish("n0");
    CHECK(table.publish("more", 1) == Change::kDone);
    CHECK(table.entry_of("more") == 1);
  }

  TEST_CASE("readers beside the writer find what a name stood for, and never another name's object") {
    Table table;
    constexpr std::uint32_t kNames = 8;  // entries 10 * i + 0..9 belong to name i
    // Few records are left of the first chunk, so that they are used again soon.
    for (std::uint32_t i = 0; i < base::kNamesPerChunk - kNames - 2; ++i) {
      REQUIRE(table.publish("other " + std::to_string(i), 500) == Change::kDone);
    }
    std::atomic<bool> is_done{false};
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (unsigned seed = 0; seed < 2; ++seed) {
      readers.emplace_back([&, seed] {
        std::mt19937 random(seed);
        const auto view = segment::attach_again(*table.segment);
        while (!is_done) {
          const auto number = static_cast<std::uint32_t>(random() % kNames);
          const auto found = find_name(*view, "name " + std::to_string(number));
          if (found && (found->object.entry / 10 != number || found->object.generation != found->object.entry + 100ull))
            ++wrong;
        }
      });
    }
    std::mt19937 random(99);
    for (int i = 0; i < 60'000; ++i) {
      const auto number = static_cast<std::uint32_t>(random() % kNames);
      const std::string name = "name " + std::to_string(number);
      if (random() % 2 == 0)
        table.publish(name, number * 10 + static_cast<std::uint32_t>(random() % 10), true);
      else
        table.names.unpublish(name);
    }
    is_done = true;
    for (std::thread &reader : readers) reader.join();
    CHECK(wrong == 0);
  }

  TEST_CASE("a chain that a stray store bent into a circle does not hold its reader") {
    Table table;
    table.publish("a", 1);
    segment::NameRecord &record = table.segment->name_record(0);
    record.next_plus_1.store(1);
    record.hash.store(record.hash.load() + 1);
    CHECK(table.entry_of("a") == kNoEntry);
    record.next_plus_1.store(0xffffffff);
    CHECK(table.entry_of("a") == kNoEntry);
  }
}

}  // namespace
}  // namespace mobula::refs
