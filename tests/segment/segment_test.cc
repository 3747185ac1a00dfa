#include "segment/segment.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "segment/test_segment.h"
#include "support/child.h"

namespace mobula::segment {
namespace {

bool says(const Status &status, const std::string &part) {
  return status != nullptr && status->message.find(part) != std::string::npos;
}

// Attaches after `damage` to the header, and puts the header back.
Status attach_damaged(Segment &segment, const std::function<void(SegmentHeader &)> &damage) {
  std::byte saved[sizeof(SegmentHeader)];
  std::memcpy(saved, static_cast<const void *>(&segment.header()), sizeof saved);
  damage(segment.header());
  std::unique_ptr<Segment> attached;
  Status status = Segment::attach(duplicate(segment.descriptor()), &attached);
  std::memcpy(static_cast<void *>(&segment.header()), saved, sizeof saved);
  CHECK((attached == nullptr) == (status != nullptr));
  return status;
}

// Runs `body` in a fork that dies by the default action of a signal, whatever a sanitizer installed.
int signal_of(const std::function<void()> &body) {
  support::Child child([&] {
    for (const int number : {SIGSEGV, SIGBUS}) signal(number, SIG_DFL);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    body();
  });
  return child.wait().signal;
}

TEST_SUITE("segment/segment") {
  TEST_CASE("what one process writes an attached one reads") {
    const auto segment = create_segment();
    REQUIRE(segment->reserve(segment->data_position(0), kPageBytes) == nullptr);
    REQUIRE(segment->reserve_entries(1) == nullptr);
    const auto attached = attach_again(*segment);
    CHECK(attached->capacity_bytes() == kTestCapacityBytes);
    CHECK(attached->header().epoch == segment->header().epoch);
    CHECK((attached->header().epoch >> 40) == 0);
    CHECK(attached->readable(0) != segment->readable(0));
    std::memcpy(segment->writable(8, 6), "manta", 6);
    CHECK(std::memcmp(attached->readable(8), "manta", 6) == 0);
    segment->entry(3).state.store(77);
    CHECK(attached->entry(3).state.load() == 77);
    CHECK(attached->entries_reserved() == base::kEntriesPerChunk);
  }

  TEST_CASE("two segments have different epochs") {
    CHECK(create_segment()->header().epoch != create_segment()->header().epoch);
  }

  TEST_CASE("a segment that is not ours, of another layout, or cut short is refused with the reason") {
    const auto segment = create_segment();
    CHECK(says(attach_damaged(*segment, [](SegmentHeader &header) { header.magic ^= 1; }), "not a Mobula segment"));
    CHECK(says(attach_damaged(*segment, [](SegmentHeader &header) { ++header.layout_version; }), "another build"));
    CHECK(says(attach_damaged(*segment, [](SegmentHeader &header) { header.layout_fingerprint ^= 0x80; }),
               "another build"));
    CHECK(
        says(attach_damaged(*segment, [](SegmentHeader &header) { header.regions.data += kPageBytes; }), "truncated"));
    CHECK(says(attach_damaged(*segment, [](SegmentHeader &header) { header.capacity_bytes = ~0ull; }), "truncated"));
    CHECK(attach_damaged(*segment, [](SegmentHeader &) {}) == nullptr);
    REQUIRE(ftruncate(segment->descriptor(), 1 << 20) == 0);
    std::unique_ptr<Segment> attached;
    CHECK(says(Segment::attach(duplicate(segment->descriptor()), &attached), "truncated"));
  }

  TEST_CASE("an empty file is no segment") {
    std::unique_ptr<Segment> attached;
    CHECK(says(Segment::attach(base::File(memfd_create("empty", MFD_CLOEXEC)), &attached), "empty"));
  }

  TEST_CASE(
      "more memory than the machine has, or less than the least, is refused with what was asked, what is free, and "
      "the flag") {
    for (const std::uint64_t asked : {1ull << 50, 4096ull}) {
      std::unique_ptr<Segment> segment;
      std::string notice;
      const Status status = Segment::create(asked, &segment, &notice);
      REQUIRE(status != nullptr);
      CHECK(segment == nullptr);
      CHECK(status->code == Code::kInvalidArgument);
      CHECK(says(status, asked == 4096 ? "4 KiB was asked" : "1024 TiB was asked"));
      CHECK(says(status, "1 MiB"));
      CHECK(says(status, "available"));
      CHECK(says(status, "--memory"));
    }
  }

  TEST_CASE("a write through the readable mapping traps, one through the writable mapping does not") {
    const auto segment = create_segment();
    REQUIRE(segment->reserve(segment->data_position(0), kPageBytes) == nullptr);
    // The mappings are not inherited by a fork, so the child attaches by itself.
    const int descriptor = segment->descriptor();
    CHECK(signal_of([descriptor] {
            std::unique_ptr<Segment> own;
            if (Segment::attach(duplicate(descriptor), &own) != nullptr) _exit(3);
            *const_cast<volatile std::byte *>(own->readable(0)) = std::byte{1};
          }) == SIGSEGV);
    CHECK(signal_of([descriptor] {
            std::unique_ptr<Segment> own;
            if (Segment::attach(duplicate(descriptor), &own) != nullptr) _exit(3);
            *const_cast<volatile std::byte *>(own->writable(0, 1)) = std::byte{1};
          }) == 0);
    CHECK(*segment->readable(0) == std::byte{1});
  }

  TEST_CASE("a child made by fork has none of the mappings") {
    const auto segment = create_segment();
    REQUIRE(segment->reserve(segment->data_position(0), kPageBytes) == nullptr);
    for (const void *address :
         {static_cast<const void *>(&segment->header()), static_cast<const void *>(segment->readable(0)),
          static_cast<const void *>(segment->writable(0, 1))}) {
      CHECK(signal_of([address] {
              static volatile char seen = 0;
              seen = *static_cast<const volatile char *>(address);
            }) == SIGSEGV);
    }
  }

  TEST_CASE("reserving more than the machine has is a condition that says so, and what was reserved stays usable") {
    const auto segment = create_segment();
    struct statvfs figures {};
    REQUIRE(statvfs("/dev/shm", &figures) == 0);
    const std::uint64_t beyond = (figures.f_blocks * figures.f_frsize) + (1ull << 40);
    const Status status = segment->reserve(segment->data_position(0), beyond);
    REQUIRE(status != nullptr);
    CHECK(status->code == Code::kStoreFull);
    CHECK(says(status, "could not be reserved"));
    REQUIRE(segment->reserve(segment->data_position(0), kTestCapacityBytes) == nullptr);
    std::memset(segment->writable(0, kTestCapacityBytes), 7, kTestCapacityBytes);
    CHECK(*segment->readable(kTestCapacityBytes - 1) == std::byte{7});
  }

  TEST_CASE("entries are reserved in whole chunks, and set arrays follow in every live group") {
    const auto segment = create_segment();
    CHECK(segment->entries_reserved() == 0);
    CHECK(segment->groups_live() == 1);
    REQUIRE(segment->reserve_entries(1) == nullptr);
    CHECK(segment->entries_reserved() == base::kEntriesPerChunk);
    REQUIRE(segment->reserve_groups(3) == nullptr);
    CHECK(segment->groups_live() == 3);
    REQUIRE(segment->reserve_entries(base::kEntriesPerChunk + 1) == nullptr);
    CHECK(segment->entries_reserved() == 2 * base::kEntriesPerChunk);
    REQUIRE(segment->reserve_groups(2) == nullptr);
    CHECK(segment->groups_live() == 3);
    const std::uint32_t last = segment->entries_reserved() - 1;
    const auto attached = attach_again(*segment);
    for (const Set set : {Set::kHolders, Set::kPins, Set::kWaiters}) {
      for (std::uint32_t group = 0; group < 3; ++group) {
        const std::uint64_t value = 1 + group * 10 + static_cast<std::uint64_t>(set);
        segment->set_word(set, group, last).store(value);
        CHECK(attached->set_word(set, group, last).load() == value);
      }
    }
    CHECK(segment->entry(last).holders.load() == 1);
    CHECK(segment->entry(last).pins.load() == 2);
    CHECK(segment->entry(last).waiters.load() == 3);
  }

  TEST_CASE("only ranges inside the data region are contained") {
    const auto segment = create_segment();
    CHECK(segment->contains(0, kTestCapacityBytes));
    CHECK(segment->contains(kTestCapacityBytes, 0));
    CHECK_FALSE(segment->contains(1, kTestCapacityBytes));
    CHECK_FALSE(segment->contains(~0ull, 2));
    CHECK_FALSE(segment->contains(2, ~0ull));
  }

  TEST_CASE("after detaching the addresses stay valid, and nothing written there reaches the others") {
    const auto segment = create_segment();
    REQUIRE(segment->reserve(segment->data_position(0), kPageBytes) == nullptr);
    const auto attached = attach_again(*segment);
    attached->detach();
    attached->header().magic = 1;
    *attached->writable(0, 1) = std::byte{9};
    CHECK(*attached->readable(0) == std::byte{0});
    CHECK(segment->header().magic == kMagic);
    CHECK(*segment->readable(0) == std::byte{0});
  }
}

}  // namespace
}  // namespace mobula::segment
