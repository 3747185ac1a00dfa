// segment/test_segment.h: a small real segment for the tests of the layers above, and second attachments to it.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "segment/segment.h"

namespace mobula::segment {

constexpr std::uint64_t kTestCapacityBytes = 4ull << 20;

inline std::unique_ptr<Segment> create_segment(std::uint64_t capacity_bytes = kTestCapacityBytes) {
  std::unique_ptr<Segment> segment;
  std::string notice;
  const Status status = Segment::create(capacity_bytes, &segment, &notice);
  REQUIRE_MESSAGE(status == nullptr, (status ? status->message : ""));
  return segment;
}

inline base::File duplicate(int descriptor) { return base::File(fcntl(descriptor, F_DUPFD_CLOEXEC, 3)); }

// What another process sees, at other addresses.
inline std::unique_ptr<Segment> attach_again(const Segment &segment) {
  std::unique_ptr<Segment> attached;
  const Status status = Segment::attach(duplicate(segment.descriptor()), &attached);
  REQUIRE_MESSAGE(status == nullptr, (status ? status->message : ""));
  return attached;
}

}  // namespace mobula::segment
