#include "objects/mark_pass.h"

#include <algorithm>

namespace mobula::objects {

void MarkPass::mark_from(std::uint32_t root) {
  std::vector<std::uint32_t> left{root};
  while (!left.empty()) {
    const auto found = containers_.find(left.back());
    left.pop_back();
    if (found == containers_.end() || std::exchange(found->second.is_marked, true)) continue;
    left.insert(left.end(), found->second.contents.begin(), found->second.contents.end());
  }
}

void MarkPass::link_unmarked() {
  for (const auto &[entry, container] : containers_) {
    if (container.is_marked) continue;
    for (const std::uint32_t inner : container.contents) {
      const auto found = containers_.find(inner);
      if (found != containers_.end()) found->second.outside.push_back(entry);
    }
  }
}

// Along contents in both directions. What it meets is marked.
MarkPass::Group MarkPass::group_of(std::uint32_t first) {
  Group group;
  std::vector<std::uint32_t> left{first};
  while (!left.empty()) {
    const std::uint32_t entry = left.back();
    left.pop_back();
    const auto found = containers_.find(entry);
    if (found == containers_.end() || std::exchange(found->second.is_marked, true)) continue;
    group.push_back(entry);
    left.insert(left.end(), found->second.contents.begin(), found->second.contents.end());
    left.insert(left.end(), found->second.outside.begin(), found->second.outside.end());
  }
  std::sort(group.begin(), group.end());
  return group;
}

std::vector<MarkPass::Group> MarkPass::unreachable() {
  for (const auto &[entry, container] : containers_) {
    const auto inside = inside_.find(entry);
    const std::uint32_t explained = inside == inside_.end() ? 0 : inside->second;
    // Without any reference it is not kept by a cycle: it is freed at once, or retained.
    const bool is_kept = container.raylet_refs != 0 || held_.count(entry) != 0;
    if (container.is_root || container.raylet_refs > explained || !is_kept) mark_from(entry);
  }
  link_unmarked();
  std::vector<Group> groups;
  for (const auto &[entry, container] : containers_) {
    if (!container.is_marked) groups.push_back(group_of(entry));
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

}  // namespace mobula::objects
