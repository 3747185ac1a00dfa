// objects/mark_pass.h: which containers and actors nobody can reach: they only keep each other. Pure.
//   Threads    thread-bound (the raylet)
//   Cost       O(containers + references inside); objects that contain nothing are not looked at
// Roots are what processes hold, what is pinned or named, and what the raylet refers to otherwise than through
// containers (tasks). A cycle consists of containers, so whatever else it keeps is freed when they are. An idle actor
// is no root by what its process holds: it leads there, as a container does to its contents.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mobula::objects {

class MarkPass {
 public:
  using Group = std::vector<std::uint32_t>;

  // `is_root`: held, pinned, named or unsettled. `raylet_refs`: of all kinds; those that `contents` of all containers
  // do not explain make it a root, too. An entry may be contained more than once.
  void add(std::uint32_t entry, bool is_root, std::uint32_t raylet_refs, std::vector<std::uint32_t> contents) {
    for (const std::uint32_t inner : contents) ++inside_[inner];
    Container &added = containers_[entry];
    added.is_root = is_root;
    added.raylet_refs = raylet_refs;
    added.contents = std::move(contents);
  }
  // The actor of `entry`, which was added, holds these: they need no other reason to be there.
  void add_held(std::uint32_t entry, const std::vector<std::uint32_t> &held) {
    std::vector<std::uint32_t> &contents = containers_[entry].contents;
    contents.insert(contents.end(), held.begin(), held.end());
    held_.insert(held.begin(), held.end());
  }

  // The containers that no root leads to, in groups that do not contain each other's members; each in ascending order,
  // and the groups by their first. Called once.
  std::vector<Group> unreachable();

 private:
  struct Container {
    bool is_root = false;
    std::uint32_t raylet_refs = 0;
    std::vector<std::uint32_t> contents;
    bool is_marked = false;
    std::vector<std::uint32_t> outside;  // unreachable ones that contain it
  };
  void mark_from(std::uint32_t root);
  void link_unmarked();
  Group group_of(std::uint32_t first);

  std::unordered_map<std::uint32_t, Container> containers_;
  std::unordered_map<std::uint32_t, std::uint32_t> inside_;  // how often an entry is contained
  std::unordered_set<std::uint32_t> held_;                   // by actors that are no roots
};

}  // namespace mobula::objects
