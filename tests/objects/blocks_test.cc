#include "objects/blocks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <vector>

namespace mobula::objects {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr SizeClass kClass256 = class_of(256);
constexpr std::uint64_t kBlocksPerSlab = kSlabBytesMin / 256;  // of that class

std::vector<Block> allocate_many(Blocks &blocks, SizeClass size_class, std::uint64_t count) {
  std::vector<Block> many;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::optional<Block> block = blocks.allocate(size_class);
    REQUIRE(block);
    many.push_back(*block);
  }
  return many;
}

void release_all(Blocks &blocks, const std::vector<Block> &many) {
  for (const Block &block : many) REQUIRE(blocks.release(block.offset));
}

// Blocks in use by offset; refuses what overlaps or leaves the region.
class NaiveModel {
 public:
  explicit NaiveModel(std::uint64_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}

  bool add(Block block) {
    if (block.offset + block.bytes > capacity_bytes_) return false;
    const auto next = live_.lower_bound(block.offset);
    if (next != live_.end() && next->first < block.offset + block.bytes) return false;
    if (next != live_.begin() && std::prev(next)->first + std::prev(next)->second > block.offset) return false;
    live_.emplace(block.offset, block.bytes);
    used_bytes_ += block.bytes;
    return true;
  }

  Block remove_any(std::mt19937 &random) {
    auto chosen = live_.lower_bound(random() % capacity_bytes_);
    if (chosen == live_.end()) chosen = live_.begin();
    const Block block{chosen->first, chosen->second};
    used_bytes_ -= block.bytes;
    live_.erase(chosen);
    return block;
  }

  std::uint64_t block_bytes_at(std::uint64_t offset) const {
    const auto found = live_.find(offset);
    return found == live_.end() ? 0 : found->second;
  }

  bool empty() const { return live_.empty(); }
  std::uint64_t used_bytes() const { return used_bytes_; }

 private:
  std::uint64_t capacity_bytes_;
  std::uint64_t used_bytes_ = 0;
  std::map<std::uint64_t, std::uint64_t> live_;
};

// Mostly small, sometimes up to 1.5 MiB: sizes from all kinds of class.
std::uint64_t any_payload_bytes(std::mt19937 &random) {
  const std::uint64_t magnitude = 7 + random() % 14;
  return (std::uint64_t{1} << magnitude) + random() % (std::uint64_t{1} << magnitude) / 2;
}

TEST_SUITE("objects/blocks") {
  TEST_CASE("a payload of the whole capacity fits and one byte more does not, whatever the class rounds to") {
    for (const std::uint64_t capacity_bytes : {4 * kKiB, 36 * kKiB, 900 * kKiB, 1100 * kKiB, 4 * kMiB, 5 * kMiB}) {
      CAPTURE(capacity_bytes);
      Blocks blocks(capacity_bytes);
      CHECK_FALSE(blocks.allocate_for(capacity_bytes + 1));
      const std::optional<Block> block = blocks.allocate_for(capacity_bytes);
      REQUIRE(block);
      CHECK(*block == Block{0, capacity_bytes});
      CHECK(blocks.used_bytes() == capacity_bytes);
      CHECK_FALSE(blocks.allocate_for(1));
      CHECK(blocks.release(0));
      CHECK_FALSE(blocks.allocate_large(capacity_bytes + 1));
      CHECK(blocks.allocate_large(capacity_bytes));
    }
  }

  TEST_CASE("nothing, and a class without fixed blocks, are refused") {
    Blocks blocks(kMiB);
    CHECK_FALSE(blocks.allocate(kInlineClass));
    CHECK_FALSE(blocks.allocate(kLargeClass));
    CHECK_FALSE(blocks.allocate(std::numeric_limits<SizeClass>::max()));
    CHECK_FALSE(blocks.allocate_large(0));
    CHECK_FALSE(blocks.allocate_for(0));
    CHECK_FALSE(blocks.allocate_for(std::numeric_limits<std::uint64_t>::max()));
    CHECK(blocks.extents().used_bytes() == 0);
  }

  TEST_CASE("blocks of every class have the size of the class and start at a cache line") {
    Blocks blocks(256 * kMiB);
    for (SizeClass size_class = 1; size_class < classes_count(); ++size_class) {
      CAPTURE(size_class);
      const std::optional<Block> block = blocks.allocate(size_class);
      REQUIRE(block);
      CHECK(block->bytes == block_bytes(size_class));
      CHECK(block->offset % (block->bytes < kPageBytes ? 64 : kPageBytes) == 0);
      CHECK(blocks.block_bytes_at(block->offset) == block->bytes);
    }
  }

  TEST_CASE("a double release and an offset that is no block are refused") {
    Blocks blocks(8 * kMiB);
    const Block small = *blocks.allocate(kClass256);
    const Block neighbour = *blocks.allocate(kClass256);
    const Block large = *blocks.allocate_large(2 * kMiB);
    const std::uint64_t used_bytes = blocks.used_bytes();
    CHECK_FALSE(blocks.release(small.offset + 1));
    CHECK_FALSE(blocks.release(neighbour.offset + 256));
    CHECK_FALSE(blocks.release(large.offset + kMiB));
    CHECK_FALSE(blocks.release(large.offset + large.bytes));
    CHECK_FALSE(blocks.release(blocks.capacity_bytes()));
    CHECK_FALSE(blocks.release(std::numeric_limits<std::uint64_t>::max()));
    CHECK(blocks.used_bytes() == used_bytes);
    CHECK(blocks.release(small.offset));
    CHECK_FALSE(blocks.release(small.offset));
    CHECK(blocks.block_bytes_at(small.offset) == 0);
    CHECK(blocks.block_bytes_at(neighbour.offset) == 256);
    CHECK(blocks.release(large.offset));
    CHECK_FALSE(blocks.release(large.offset));
    CHECK(blocks.used_bytes() == 256);
  }

  TEST_CASE("the unused end of a slab is no block") {
    constexpr SizeClass kClass3584 = class_of(3584);
    constexpr std::uint64_t kBlocks = 64 * kKiB / 3584;
    Blocks blocks(64 * kKiB);
    const std::vector<Block> many = allocate_many(blocks, kClass3584, kBlocks);
    CHECK_FALSE(blocks.release(kBlocks * 3584));
    CHECK(blocks.block_bytes_at(kBlocks * 3584) == 0);
  }

  TEST_CASE("the block released last goes out next") {
    Blocks blocks(8 * kMiB);
    const std::vector<Block> many = allocate_many(blocks, kClass256, 20);
    REQUIRE(blocks.release(many[7].offset));
    REQUIRE(blocks.release(many[3].offset));
    CHECK(*blocks.allocate(kClass256) == many[3]);
    CHECK(*blocks.allocate(kClass256) == many[7]);
  }

  TEST_CASE("partly free slabs are filled before a new one is made") {
    Blocks blocks(8 * kMiB);
    const std::vector<Block> many = allocate_many(blocks, kClass256, 4 * kBlocksPerSlab);
    const std::uint64_t held_bytes = blocks.extents().used_bytes();
    CHECK(held_bytes == 4 * kSlabBytesMin);
    for (std::size_t i = 0; i < many.size(); i += 2) REQUIRE(blocks.release(many[i].offset));
    CHECK(blocks.used_bytes() == held_bytes / 2);
    allocate_many(blocks, kClass256, 2 * kBlocksPerSlab);
    CHECK(blocks.extents().used_bytes() == held_bytes);
    allocate_many(blocks, kClass256, 1);
    CHECK(blocks.extents().used_bytes() == held_bytes + kSlabBytesMin);
  }

  TEST_CASE("at most one empty slab of a class is kept, and it is filled last") {
    Blocks blocks(8 * kMiB);
    const std::vector<Block> many = allocate_many(blocks, kClass256, 4 * kBlocksPerSlab);
    const std::vector<Block> first_three(many.begin(), many.begin() + 3 * kBlocksPerSlab);
    release_all(blocks, first_three);
    CHECK(blocks.extents().used_bytes() == 2 * kSlabBytesMin);
    REQUIRE(blocks.release(many.back().offset));
    CHECK(*blocks.allocate(kClass256) == many.back());
  }

  TEST_CASE("one small survivor holds no more than a slab") {
    for (SizeClass size_class = 1; size_class < classes_count(); ++size_class) {
      CAPTURE(size_class);
      Blocks blocks(64 * kMiB);
      std::vector<Block> many = allocate_many(blocks, size_class, 16 * kMiB / block_bytes(size_class) / 2);
      const Block survivor = many[many.size() / 2];
      many.erase(many.begin() + static_cast<std::ptrdiff_t>(many.size() / 2));
      release_all(blocks, many);
      blocks.trim();
      CHECK(blocks.extents().used_bytes() <= std::max(survivor.bytes, kSlabBytesMax));
      CHECK(blocks.block_bytes_at(survivor.offset) == survivor.bytes);
    }
  }

  TEST_CASE("one survivor of every class leaves the rest of the region usable, and its slab is filled again") {
    constexpr std::uint64_t kCapacityBytes = 128 * kMiB;
    Blocks blocks(kCapacityBytes);
    std::vector<Block> dropped;
    std::vector<Block> survivors;
    for (int round = 0; blocks.used_bytes() < 96 * kMiB; ++round) {
      for (SizeClass size_class = 1; size_class < classes_count(); ++size_class) {
        (round == 1 ? survivors : dropped).push_back(*blocks.allocate(size_class));
      }
    }
    release_all(blocks, dropped);
    std::uint64_t rest_bytes = kCapacityBytes;
    for (const Block &survivor : survivors) {
      rest_bytes -= survivor.bytes < kOwnExtentBytesMin ? kSlabBytesMax : survivor.bytes;
    }
    CHECK(blocks.largest_free_bytes() > 0);
    CHECK(blocks.extents().free_bytes() >= rest_bytes);

    const std::uint64_t held_bytes = blocks.extents().used_bytes();
    for (const Block &survivor : survivors) {
      if (survivor.bytes >= kOwnExtentBytesMin) continue;
      const std::uint64_t slab_blocks = std::max(kSlabBytesMin / survivor.bytes, kSlabBlocksMin);
      CAPTURE(survivor.bytes);
      allocate_many(blocks, class_of(survivor.bytes), slab_blocks - 1);
      CHECK(blocks.extents().used_bytes() == held_bytes);
    }
    std::uint64_t pages_bytes = 0;
    while (blocks.allocate_large(kPageBytes)) pages_bytes += kPageBytes;
    CHECK(pages_bytes == kCapacityBytes - held_bytes);
  }

  TEST_CASE("the largest free extent counts the free slabs that are kept") {
    Blocks blocks(4 * kMiB);
    const Block low = *blocks.allocate_large(kMiB);
    const Block small = *blocks.allocate(kClass256);
    REQUIRE(blocks.release(low.offset));
    CHECK(blocks.largest_free_bytes() < 3 * kMiB);
    REQUIRE(blocks.release(small.offset));
    CHECK(blocks.largest_free_bytes() == 4 * kMiB);
  }

  TEST_CASE("kept empty slabs never make an allocation fail") {
    Blocks blocks(2 * kMiB);
    const Block small = *blocks.allocate(kClass256);
    const Block medium = *blocks.allocate(class_of(12 * kKiB));
    REQUIRE(blocks.release(small.offset));
    REQUIRE(blocks.release(medium.offset));
    CHECK(blocks.extents().used_bytes() > 0);
    const std::optional<Block> all = blocks.allocate_large(2 * kMiB);
    REQUIRE(all);
    REQUIRE(blocks.release(all->offset));
    CHECK(blocks.extents().free_bytes() == 2 * kMiB);
  }

  TEST_CASE("a slab shrinks to the space there is") {
    Blocks blocks(kMiB);
    REQUIRE(blocks.allocate_large(kMiB - 3 * kPageBytes));
    const std::vector<Block> many = allocate_many(blocks, kClass256, 48);
    CHECK_FALSE(blocks.allocate(kClass256));
    release_all(blocks, many);
    CHECK(blocks.allocate(class_of(3 * kPageBytes)));
  }

  TEST_CASE("a large extent of the same size comes back at the same offset") {
    Blocks blocks(64 * kMiB);
    REQUIRE(blocks.allocate_large(5 * kMiB));
    const Block block = *blocks.allocate_large(8 * kMiB);
    REQUIRE(blocks.allocate(kClass256));
    const std::uint64_t high_water_bytes = blocks.high_water_bytes();
    for (int i = 0; i < 10; ++i) {
      REQUIRE(blocks.release(block.offset));
      CHECK(*blocks.allocate_large(8 * kMiB) == block);
    }
    CHECK(blocks.high_water_bytes() == high_water_bytes);
  }

  TEST_CASE("after a failed reservation, release and trim put the high-water mark back") {
    Blocks blocks(8 * kMiB);
    REQUIRE(blocks.allocate_large(kMiB));
    for (const std::uint64_t bytes : {kKiB / 4, 64 * kKiB, kMiB, 5 * kMiB}) {
      CAPTURE(bytes);
      const Block block = *blocks.allocate_for(bytes);
      CHECK(blocks.high_water_bytes() > kMiB);
      REQUIRE(blocks.release(block.offset));
      CHECK(blocks.trim() == kMiB);
      CHECK(blocks.high_water_bytes() == kMiB);
    }
  }

  TEST_CASE("random churn agrees with a naive model and ends with one free range") {
    for (const std::uint64_t capacity_bytes : {300 * kKiB, 4 * kMiB, 32 * kMiB}) {
      CAPTURE(capacity_bytes);
      Blocks blocks(capacity_bytes);
      NaiveModel model(capacity_bytes);
      std::mt19937 random(7);
      int refused_count = 0;
      for (int step = 0; step < 20000; ++step) {
        CAPTURE(step);
        if (model.empty() || random() % 100 < 60) {
          const std::uint64_t bytes = any_payload_bytes(random);
          const std::optional<Block> block = blocks.allocate_for(bytes);
          if (block) {
            REQUIRE(block->bytes >= bytes);
            REQUIRE(block->offset + block->bytes <= blocks.high_water_bytes());
            REQUIRE(model.add(*block));
          } else {
            ++refused_count;
            REQUIRE(blocks.extents().largest_free_bytes() < bytes);
          }
        } else {
          const Block block = model.remove_any(random);
          REQUIRE(blocks.block_bytes_at(block.offset) == block.bytes);
          REQUIRE(blocks.release(block.offset));
          REQUIRE_FALSE(blocks.release(block.offset));
        }
        const std::uint64_t offset = random() % (capacity_bytes / 64) * 64;
        REQUIRE(blocks.block_bytes_at(offset) == model.block_bytes_at(offset));
        REQUIRE(blocks.used_bytes() == model.used_bytes());
        REQUIRE(blocks.used_bytes() <= blocks.extents().used_bytes());
        if (step % 100 != 0) continue;
        const std::uint64_t largest_bytes = blocks.largest_free_bytes();
        blocks.trim();
        REQUIRE(blocks.extents().largest_free_bytes() == largest_bytes);
      }
      CHECK(refused_count > 0);
      while (!model.empty()) REQUIRE(blocks.release(model.remove_any(random).offset));
      CHECK(blocks.used_bytes() == 0);
      CHECK(blocks.trim() == 0);
      CHECK(blocks.extents().free_bytes() == capacity_bytes);
      CHECK(blocks.extents().largest_free_bytes() == capacity_bytes);
    }
  }
}

}  // namespace
}  // namespace mobula::objects
