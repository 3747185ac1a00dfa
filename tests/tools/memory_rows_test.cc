#include "tools/memory_rows.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <memory>

#include "base/clock.h"
#include "tasks/task_spec.h"

using namespace mobula;
using namespace mobula::tools;
using refs::State;
using segment::Kind;

namespace {

constexpr std::uint32_t kDriver = 3;
constexpr std::uint32_t kSecond = 70;  // of the second group
constexpr std::int64_t kNowNs = 10 * base::kNanosecondsPerSecond;

// A segment as the raylet prepares it, with two clients.
struct Store {
  Store() {
    std::string notice;
    REQUIRE(segment::Segment::create(std::uint64_t{1} << 20, &segment, &notice) == nullptr);
    REQUIRE(segment->reserve_entries(1) == nullptr);
    REQUIRE(segment->reserve_groups(2) == nullptr);
    segment->client(kDriver).pid = 300;
    segment->client(kDriver).kind = segment::ClientKind::kDriver;
    segment->client(kSecond).pid = 700;
    segment->client(kSecond).kind = segment::ClientKind::kWorker;
  }
  segment::EntryHeader &put(std::uint32_t entry, State state, Kind kind, std::uint64_t size,
                            std::uint32_t writer = kDriver) {
    segment::EntryHeader &header = segment->entry(entry);
    header.offset = segment::kInlineOffset;
    header.kind = kind;
    header.size = size;
    header.creator_pid = 300;
    header.created_ns = kNowNs - base::kNanosecondsPerSecond;
    header.state.store(refs::pack(state, writer, 0x0102));
    return header;
  }
  std::vector<MemoryRow> rows() const { return read_rows(*segment, kNowNs); }

  std::unique_ptr<segment::Segment> segment;
};

}  // namespace

TEST_SUITE("tools/memory_rows") {
  TEST_CASE("objects are listed, largest first; specs, buffers and free entries are not") {
    Store store;
    store.put(1, State::kSealed, Kind::kValue, 10);
    store.put(2, State::kSealed, Kind::kForward, 5000);
    store.put(3, State::kSealed, Kind::kBuffer, 5000);
    store.put(4, State::kSealed, Kind::kSpec, 50);
    store.put(5, State::kFree, Kind::kValue, 70);
    const std::vector<MemoryRow> rows = store.rows();
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].name.entry == 2);
    CHECK(rows[1].name.entry == 1);
    CHECK(rows[1].size_bytes == 10);
    CHECK(rows[1].age_ms == 1000);
    CHECK(rows[1].creator_pid == 300);
  }
  TEST_CASE("an id is epoch, entry and generation, lowest byte first, as ObjectRef gives it") {
    Store store;
    store.segment->header().epoch = 0x0504030201;
    store.put(7, State::kSealed, Kind::kValue, 1);
    CHECK(store.rows()[0].id == "010203040507000000020100000000");
  }
  TEST_CASE("holders and pins of every group are found, with their processes") {
    Store store;
    store.put(1, State::kSealed, Kind::kValue, 1);
    store.segment->set_word(segment::Set::kHolders, 0, 1).store(1ull << kDriver);
    store.segment->set_word(segment::Set::kPins, 0, 1).store(1ull << kDriver);
    store.segment->set_word(segment::Set::kHolders, 1, 1).store(1ull << (kSecond - 64));
    const std::vector<Holder> holders = store.rows()[0].holders;
    REQUIRE(holders.size() == 2);
    CHECK(holders[0].pid == 300);
    CHECK(holders[0].holds);
    CHECK(holders[0].pins);
    CHECK(holders[1].client == kSecond);
    CHECK(holders[1].pid == 700);
    CHECK(holders[1].kind == segment::ClientKind::kWorker);
    CHECK_FALSE(holders[1].pins);
  }
  TEST_CASE("what the entry's last tenant wrote is not taken for the description of an unfinished result") {
    Store store;
    store.put(1, State::kPending, Kind::kSpec, 99).raylet_refs.store(1);
    store.put(2, State::kFailed, Kind::kSpec, 99, refs::kRayletWriter);
    const std::vector<MemoryRow> rows = store.rows();
    REQUIRE(rows.size() == 2);
    for (const MemoryRow &row : rows) {
      CHECK(row.size_bytes == 0);
      CHECK(row.creator_pid == 0);
      CHECK(row.age_ms == -1);
    }
    CHECK(rows[0].task_references == 1);
    CHECK(rows[0].captured_references == 0);
  }
  TEST_CASE("references of waiting tasks and of containers are told apart") {
    Store store;
    store.put(1, State::kSealed, Kind::kValue, 1).raylet_refs.store(3);
    tasks::ArgumentToEncode argument;
    argument.reference = {1, 0x0102};
    const std::span<const std::byte> bytes = tasks::encode_spec(5, 1, std::array{argument, argument});
    segment::EntryHeader &spec = store.put(2, State::kSealed, Kind::kSpec, bytes.size());
    spec.offset = 0;
    std::memcpy(store.segment->writable(0, bytes.size()), bytes.data(), bytes.size());
    SUBCASE("while the raylet has the task") {
      spec.raylet_refs.store(1);
      CHECK(store.rows()[0].task_references == 2);
      CHECK(store.rows()[0].captured_references == 1);
    }
    SUBCASE("before it has it") { CHECK(store.rows()[0].task_references == 0); }
    SUBCASE("when the spec's bytes are no spec") {
      spec.raylet_refs.store(1);
      std::memset(store.segment->writable(0, bytes.size()), 0xff, bytes.size());
      CHECK(store.rows()[0].task_references == 0);
    }
    SUBCASE("when the spec's size is a lie") {
      spec.raylet_refs.store(1);
      spec.size = ~std::uint64_t{0};
      CHECK(store.rows()[0].task_references == 0);
    }
  }
}
