// tools/findings.h: what is not well in a session, or will soon not be, in plain words and with what to do. Pure.
//   Cost       O(objects + holders + tasks)
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "tasks/holdings.h"
#include "tools/labels.h"
#include "tools/surroundings.h"

namespace mobula::tools {

constexpr std::uint64_t kFullPercent = 90;                                     // of the store
constexpr std::int64_t kLongTaskNs = 600 * base::kNanosecondsPerSecond;        // running, or waiting to run
constexpr std::int64_t kOldReferenceNs = 3'600 * base::kNanosecondsPerSecond;  // held by one process
constexpr std::size_t kNamedMax = 5;                                           // of one kind; the rest is counted

struct Finding {
  std::string what;
  std::string why;  // it matters
  std::string to_do;
};

// "what: why. To do: ..."
std::string line_of(const Finding &finding);

// None: there is nothing to do.
std::vector<Finding> find_all(const Surroundings &surroundings, const tasks::Holdings &holdings, Labels &labels);

}  // namespace mobula::tools
