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

std::vector<std::uint32_t> MarkPass::unreachable() {
  for (const auto &[entry, container] : containers_) {
    const auto inside = inside_.find(entry);
    const std::uint32_t explained = inside == inside_.end() ? 0 : inside->second;
    // Without any reference it is not kept by a cycle: it is freed at once, or retained.
    if (container.is_root || container.raylet_refs > explained || container.raylet_refs == 0) mark_from(entry);
  }
  std::vector<std::uint32_t> found;
  for (const auto &[entry, container] : containers_) {
    if (!container.is_marked) found.push_back(entry);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace mobula::objects
