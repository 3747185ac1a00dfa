#include "client/leak_check.h"

#include <doctest/doctest.h>

#include "segment/sites.h"

using namespace mobula;
using namespace mobula::client;

namespace {

constexpr std::int64_t kNowNs = 1'000'000'000'000;

struct World {
  World() {
    std::string notice;
    REQUIRE(segment::Segment::create(std::uint64_t{1} << 20, &segment, &notice) == nullptr);
    holdings.read_ns = kNowNs;
    holdings.processes.resize(3);
    holdings.processes[1].pid = 300;
  }
  std::uint32_t site(std::uint32_t line) {
    return segment::intern_site(*segment, {segment::SiteKind::kLine, line, "a.cc", "make"});
  }
  // An object of that size that a client has `handles` of, since `age_ns`.
  tasks::Holder &hold(std::uint32_t client, std::uint32_t line, std::uint64_t bytes, std::uint32_t handles,
                      std::int64_t age_ns = 0) {
    tasks::Object object;
    object.state = refs::State::kSealed;
    object.size_bytes = bytes;
    object.holders = {static_cast<std::uint32_t>(holdings.holders.size()), 1};
    holdings.objects.push_back(object);
    tasks::Holder holder;
    holder.client = client;
    holder.handles = handles;
    holder.site = site(line);
    holder.since_ns = kNowNs - age_ns;
    holdings.holders.push_back(holder);
    return holdings.holders.back();
  }
  std::string text(std::int64_t min_age_ns = 0) const {
    return describe_held(*segment, holdings, 1, min_age_ns, "demo");
  }

  std::unique_ptr<segment::Segment> segment;
  tasks::Holdings holdings;
};

}  // namespace

TEST_SUITE("client/leak_check") {
  TEST_CASE("what this process holds is told by line, the largest first, with a sum") {
    World world;
    world.hold(1, 8, 10, 1);
    world.hold(1, 8, 20, 3);
    world.hold(1, 9, 5000, 2).pins = 1;
    world.hold(1, 7, 1, 1);
    world.holdings.objects.back().is_draft = true;
    world.hold(2, 5, 99, 1);
    CHECK(world.text() ==
          "===300===ERROR: Mobula: objects that this process holds at ray::Shutdown of session demo\n"
          "  5000 bytes in 1 object(s), 1 handle, 1 pin: a.cc:9 make()\n"
          "  30 bytes in 2 object(s), 4 handles: a.cc:8 make()\n"
          "  1 bytes in 1 object(s), 1 never sealed: a.cc:7 make()\n"
          "SUMMARY: Mobula: 5031 bytes leaked in 4 object(s)\n");
  }
  TEST_CASE("what is younger than asked, handles of actors and what others hold are not told") {
    World world;
    world.hold(2, 8, 10, 1);
    world.hold(1, 8, 10, 1, 500);
    world.hold(1, 8, 10, 1);
    world.holdings.objects.back().kind = segment::Kind::kActor;
    CHECK(world.text(501) == "");
    CHECK(world.text(500).find("10 bytes leaked in 1 object(s)") != std::string::npos);
  }
  TEST_CASE("the variable says whether, and how old") {
    for (const char *text : {"", "0"}) CHECK_FALSE(leak_check_age_ns(text));
    CHECK(leak_check_age_ns("1") == 0);
    CHECK(leak_check_age_ns("yes") == 0);
    CHECK(leak_check_age_ns("2") == 2'000'000'000);
    CHECK(leak_check_age_ns("1s") == 1'000'000'000);
    CHECK(leak_check_age_ns("250ms") == 250'000'000);
  }
}
