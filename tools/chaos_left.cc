#include "tools/chaos_left.h"

#include <fmt/format.h>

#include <sstream>
#include <vector>

#include "base/units.h"
#include "tools/leak_report.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

constexpr std::size_t kDetailsMax = 20;  // of leaks

void add(const tasks::Object &object, Left *left) {
  ++left->objects;
  left->bytes += object.size_bytes;
}

}  // namespace

Left find_left(const segment::Segment &segment, const std::string &session, std::int64_t now_ns) {
  const tasks::Holdings holdings = tasks::read_holdings(segment, now_ns, is_alive);
  Labels labels(segment, holdings);
  LeakReport report(segment, holdings, labels, session, 0);
  Left left;
  std::vector<bool> is_left(holdings.objects.size());
  for (const tasks::Leak &leak : report.leaks().leaks) is_left[leak.object] = true;
  for (const std::uint32_t object : report.leaks().ending) is_left[object] = true;
  Left not_freed;
  for (std::size_t i = 0; i < holdings.objects.size(); ++i) {
    const tasks::Object &object = holdings.objects[i];
    if (is_left[i]) {
      add(object, &left);
    } else if (object.is_to_be_freed()) {
      add(object, &not_freed);
    } else {
      ++left.asked_objects;
      left.asked_bytes += object.size_bytes;
    }
  }
  if (left.objects != 0) left.text = report.text(kDetailsMax);
  if (not_freed.objects != 0) {
    left.text += fmt::format("{}, {}, that nobody refers to and that the raylet has not freed.\n",
                             format_count(not_freed.objects, "object"), base::format_bytes(not_freed.bytes));
  }
  left.objects += not_freed.objects;
  left.bytes += not_freed.bytes;
  if (left.objects == 0) return left;
  std::ostringstream json;
  report.json(json);
  left.json = json.str();
  return left;
}

}  // namespace mobula::tools
