// Counting alone: the steps TAKE, RELEASE, CREATE, PRIVATE and EVICT of docs/reference-rules.md on a segment of this
// process, and the atomic operations that they are compared with.
#include <atomic>
#include <vector>

#include "micro/local_segment.h"
#include "micro/operations.h"
#include "refs/evict.h"

namespace bench::micro {
namespace {

constexpr int kEntries = 250;  // in turns, so that each operation meets another object than the one before

std::atomic<std::uint64_t> atomic_word{0};

// What the operations share. Entries below kEntries hold objects of `maker` that `taker` takes.
struct World {
  World() {
    for (std::uint32_t entry = 0; entry < kEntries; ++entry) {
      segment::Row &row = maker.put(entry);
      References::share(row);
      names.push_back(References::name_of(row));
      if (entry == 0) first_row = &row;
    }
    private_row = &maker.put(kEntries);
    std::uint32_t released = 0;
    require(maker.references.release(*private_row, &released) == References::Release::kRecycled, "not recycled");
  }
  std::unique_ptr<segment::Segment> segment = make_segment();
  LocalClient maker{*segment, 1};
  LocalClient taker{*segment, 2};
  std::vector<mobula::refs::ObjectName> names;
  segment::Row *first_row = nullptr;
  segment::Row *private_row = nullptr;  // of a FREE entry in maker's pool
};

World &world() {
  static World instance;
  return instance;
}

void nothing_to_prepare() { static_cast<void>(world()); }

void run_lock_or() {
  for (int i = 0; i < kBatch; ++i) atomic_word.fetch_or(1, std::memory_order_seq_cst);
}

void run_lock_xadd() {
  for (int i = 0; i < kBatch; ++i) asm volatile("" : : "r"(atomic_word.fetch_add(1, std::memory_order_seq_cst)));
}

void run_take_and_release() {
  References &references = world().taker.references;
  const std::vector<mobula::refs::ObjectName> &names = world().names;
  std::uint32_t entry = 0;
  for (std::size_t i = 0; i < kBatch; ++i) {
    segment::Row *row = nullptr;
    require(references.take(names[i % kEntries], &row) == References::Take::kTaken, "not taken");
    references.release(*row, &entry);
  }
}

void run_copy_and_release() {
  References &references = world().maker.references;
  segment::Row &row = *world().first_row;
  std::uint32_t entry = 0;
  for (int i = 0; i < kBatch; ++i) {
    References::copy(row);
    references.release(row, &entry);
  }
}

// As the result of a task is opened and dropped by who asked for it.
void run_open_and_release() {
  References &references = world().maker.references;
  for (int i = 0; i < kBatch; ++i) {
    segment::Row *const row = references.open(kEntries + 1 + static_cast<std::uint32_t>(i % kEntries));
    References::share(*row);
    std::uint32_t entry = 0;
    references.release(*row, &entry);
  }
}

// As a small put that is dropped at once: the entry is taken back by PRIVATE.
void run_private_put() {
  References &references = world().maker.references;
  segment::Row &row = *world().private_row;
  std::uint32_t entry = 0;
  for (int i = 0; i < kBatch; ++i) {
    references.begin(row, State::kCreating);
    references.settle(row, State::kSealed);
    references.release(row, &entry);
  }
}

// The same without counting: whoever has made the object is the only one who can free it, by a store.
void run_uncounted_put() {
  using namespace mobula::refs;
  References &references = world().maker.references;
  segment::Row &row = *world().private_row;
  segment::EntryHeader &header = world().segment->entry(kEntries);
  for (int i = 0; i < kBatch; ++i) {
    references.begin(row, State::kCreating);
    references.settle(row, State::kSealed);
    const std::uint64_t next = next_generation(row.generation.load(std::memory_order_relaxed));
    header.state.store(pack(State::kFree, kRayletWriter, next), std::memory_order_release);
    row.generation.store(next, std::memory_order_relaxed);
  }
}

// E1..E7 of objects that nobody refers to.
constexpr std::uint32_t kFirstToEvict = 2000;
static_assert(kFirstToEvict + kBatch < mobula::base::kEntriesPerChunk);

void prepare_evict() {
  for (std::uint32_t i = 0; i < kBatch; ++i) {
    segment::Row &row = world().maker.put(kFirstToEvict + i);
    std::uint32_t entry = 0;
    world().maker.references.release_shared(row, &entry);
  }
}

void run_evict() {
  const segment::Segment &segment = *world().segment;
  for (std::uint32_t i = 0; i < kBatch; ++i) {
    std::uint64_t flagged = 0;
    segment::EntryHeader &header = segment.entry(kFirstToEvict + i);
    require(mobula::refs::begin_evict(header, &flagged) &&
                !mobula::refs::is_referenced(segment, kFirstToEvict + i, segment.groups_live()) &&
                mobula::refs::finish_evict(header, flagged),
            "not evicted");
  }
}

}  // namespace

std::vector<Operation> atomic_operations() {
  return {{"lock or", false, nothing_to_prepare, run_lock_or}, {"lock xadd", false, nothing_to_prepare, run_lock_xadd}};
}

std::vector<Operation> reference_operations() {
  return {{"take and release", false, nothing_to_prepare, run_take_and_release},
          {"copy and release of a further handle", false, nothing_to_prepare, run_copy_and_release},
          {"open and release", false, nothing_to_prepare, run_open_and_release},
          {"steps of a private put", false, nothing_to_prepare, run_private_put},
          {"steps of a private put, uncounted", false, nothing_to_prepare, run_uncounted_put},
          {"evict, steps", false, prepare_evict, run_evict}};
}

}  // namespace bench::micro
