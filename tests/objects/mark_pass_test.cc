#include "objects/mark_pass.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

namespace mobula::objects {
namespace {

using Entries = std::vector<std::uint32_t>;
using Groups = std::vector<Entries>;

TEST_SUITE("objects/mark_pass") {
  TEST_CASE("two that contain each other, and one that contains itself, cannot be reached") {
    MarkPass pass;
    pass.add(1, false, 1, {2});
    pass.add(2, false, 1, {1});
    pass.add(3, false, 1, {3});
    CHECK(pass.unreachable() == Groups{{1, 2}, {3}});
  }

  TEST_CASE("a root reaches all that lies inside, however deep") {
    MarkPass pass;
    pass.add(1, true, 0, {2});
    pass.add(2, false, 2, {3, 3});
    pass.add(3, false, 2, {2});
    CHECK(pass.unreachable().empty());
  }

  TEST_CASE("a reference of the raylet that no container explains makes a root") {
    MarkPass pass;
    pass.add(1, false, 2, {2});  // one of the two is a task's
    pass.add(2, false, 1, {1});
    CHECK(pass.unreachable().empty());
  }

  TEST_CASE("a container without any reference is not kept by a cycle") {
    MarkPass pass;
    pass.add(1, false, 0, {2});
    pass.add(2, false, 1, {7});
    CHECK(pass.unreachable().empty());
  }

  TEST_CASE("what hangs on an unreachable cycle is unreachable, too, and what it hangs on is not") {
    MarkPass pass;
    pass.add(1, true, 0, {2, 9});
    pass.add(2, false, 1, {8});
    pass.add(3, false, 1, {4, 5});
    pass.add(4, false, 1, {3});
    pass.add(5, false, 1, {2, 9});
    CHECK(pass.unreachable() == Groups{{3, 4, 5}});
  }

  TEST_CASE("cycles that have nothing to do with each other are groups of their own") {
    MarkPass pass;
    pass.add(9, false, 1, {2});
    pass.add(2, false, 1, {9});
    pass.add(5, false, 1, {3});
    pass.add(3, false, 1, {5, 100});
    CHECK(pass.unreachable() == Groups{{2, 9}, {3, 5}});
  }

  TEST_CASE("random graphs: exactly what a search from the roots does not meet") {
    std::mt19937 random(11);
    for (int round = 0; round < 200; ++round) {
      constexpr std::uint32_t kCount = 12;
      std::vector<Entries> contents(kCount);
      std::vector<std::uint32_t> refs(kCount, 0);
      for (std::uint32_t i = 0; i < kCount; ++i) {
        for (std::uint32_t edges = random() % 3; edges > 0; --edges) {
          contents[i].push_back(random() % kCount);
          ++refs[contents[i].back()];
        }
      }
      std::set<std::uint32_t> reached;
      MarkPass pass;
      std::vector<std::uint32_t> left;
      for (std::uint32_t i = 0; i < kCount; ++i) {
        const bool is_root = random() % 5 == 0;
        if (is_root || refs[i] == 0) left.push_back(i);
        pass.add(i, is_root, refs[i], contents[i]);
      }
      while (!left.empty()) {
        const std::uint32_t next = left.back();
        left.pop_back();
        if (reached.insert(next).second) left.insert(left.end(), contents[next].begin(), contents[next].end());
      }
      std::size_t found = 0;
      for (const Entries &group : pass.unreachable()) {
        const std::set<std::uint32_t> members(group.begin(), group.end());
        found += members.size();
        for (const std::uint32_t entry : group) {
          CHECK_FALSE(reached.contains(entry));
          // Nothing of another group lies inside.
          for (const std::uint32_t inner : contents[entry]) CHECK((reached.contains(inner) || members.contains(inner)));
        }
      }
      CHECK(found + reached.size() == kCount);
    }
  }
}

}  // namespace
}  // namespace mobula::objects
