// Space that is made by the eviction and mark passes, and what keeps objects from the former: names, weak references.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "raylet/raylet.h"
#include "refs/object_id.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kCollectionsMax = 4;  // of one request: who takes a member keeps its group this time
constexpr std::size_t kCollectedNamed = 100;  // objects that the answer to a mark pass lists

}  // namespace

// When somebody waits for space, or more than the upper mark is in use. True when it freed something.
bool Raylet::make_room() {
  if (journal_.has_evictions()) journal_.write_evictions(base::monotonic_ns());
  const bool is_short = segment_->header().pressure.load(std::memory_order_relaxed) != 0;
  const std::uint64_t needed_bytes = is_short ? space_.bytes_short() : 0;
  const std::uint64_t wanted_bytes = std::max(marks_.excess_bytes(store_.used_bytes()), needed_bytes);
  const objects::EvictionPolicy &policy = store_.policy();
  if (wanted_bytes == 0) room_wanted_since_.reset();
  if (wanted_bytes == 0) return false;
  // What nobody refers to comes first: all that was known when room was wanted, not what comes without end.
  if (!room_wanted_since_) room_wanted_since_ = policy.suggestions();
  if (policy.suggestions_taken() < *room_wanted_since_) return false;
  // A put that would not fit all the same must not cost everybody's cache.
  const bool can_help = needed_bytes <= store_.free_bytes() + store_.evictable_bytes();
  const bool needs_bytes = space_.is_short_of_blocks() || !is_short;
  const Freed freed = can_help ? store_.evict(wanted_bytes, needs_bytes, drainer()) : Freed{};
  journal_.evicted(freed);
  if (freed.objects != 0) return true;
  marks_.rest();
  return is_short && store_.may_have_cycles() && store_.collect_cycles(drainer()).objects != 0;
}

// False: the client broke the protocol.
bool Raylet::on_retain(const Client &client, const segment::RingSlot &slot) {
  const refs::ObjectName name = wire::get_name(slot, 0);
  if (!store_.is_entry(name.entry)) return false;
  switch (static_cast<wire::Retention>(slot.words[wire::kWordsPerName])) {
    case wire::Retention::kRetain:
    case wire::Retention::kUnretain:
      store_.retain(name, slot.words[wire::kWordsPerName] == static_cast<std::uint32_t>(wire::Retention::kRetain));
      return true;
    case wire::Retention::kWeak:
      return store_.hold_weakly(client.id, name, true);
    case wire::Retention::kNotWeak:
      return store_.hold_weakly(client.id, name, false);
  }
  return false;
}

wire::PublishReply Raylet::publish(const wire::PublishRequest &request) {
  const auto refused = [](Code code, std::string message) {
    return wire::PublishReply{static_cast<std::uint32_t>(code), std::move(message)};
  };
  const std::string problem = refs::problem_of(request.name);
  if (!problem.empty()) return refused(Code::kInvalidArgument, "publish: " + problem);
  const refs::ObjectName object{request.entry, request.generation};
  switch (store_.publish(request.name, object, request.replace)) {
    case refs::NameTable::Change::kDone:
      return refused(Code::kOk, "");
    case refs::NameTable::Change::kTaken:
      return refused(Code::kInvalidArgument,
                     fmt::format("publish: the name '{}' stands for another object; unpublish it, or publish with "
                                 "mobula::Replace::kYes",
                                 request.name));
    case refs::NameTable::Change::kNoObject:
      return refused(Code::kObjectLost, "publish: the object is gone");
    case refs::NameTable::Change::kFull:
      return refused(Code::kLimitReached,
                     fmt::format("publish: the session has its limit of {} names", base::kNamesMax));
    case refs::NameTable::Change::kNoMemory:
      break;
  }
  return refused(Code::kStoreFull, "publish: no shared memory could be reserved for more names");
}

wire::EvictReply Raylet::evict(const wire::EvictRequest &request) {
  wire::EvictReply reply;
  // Not what is retained while this runs.
  const std::uint64_t objects_max = store_.evictable_objects();
  while (reply.bytes < request.bytes && reply.objects < objects_max) {
    turn();  // others' messages do not wait until all is evicted
    const Freed freed = store_.evict(request.bytes - reply.bytes, false, drainer());
    if (freed.objects == 0) break;
    journal_.evicted(freed);
    reply.objects += freed.objects;
    reply.bytes += freed.bytes;
  }
  settle_everything();
  return reply;
}

// Actors that only refer to each other. What came while the rings were read is seen by marking again.
std::uint64_t Raylet::end_unreachable_actors() {
  tasks_.note_mark_pass();
  const std::vector<refs::ObjectName> found = store_.unreachable_actors(tasks_.idle_actors());
  if (found.empty()) return 0;
  drain_all();
  std::vector<refs::ObjectName> ending;
  for (const refs::ObjectName &actor : store_.unreachable_actors(tasks_.idle_actors())) {
    if (std::find(found.begin(), found.end(), actor) != found.end()) ending.push_back(actor);
  }
  tasks_.end_unreachable(ending);
  return ending.size();
}

wire::CollectReply Raylet::collect() {
  nlohmann::json objects = nlohmann::json::array();
  const auto report = [&](const refs::ObjectName &name) {
    if (objects.size() >= kCollectedNamed) return;
    const segment::EntryHeader &header = segment_->entry(name.entry);
    objects.push_back({{"id", refs::digits_of(refs::encode_id(segment_->header().epoch, name))},
                       {"size", header.size},
                       {"creator_pid", header.creator_pid}});
  };
  Freed freed;
  freed.objects = end_unreachable_actors();
  std::uint64_t rescued = ~0ull;
  for (std::uint32_t i = 0; i < kCollectionsMax && rescued != store_.groups_rescued(); ++i) {
    rescued = store_.groups_rescued();
    const Freed more = store_.collect_cycles(drainer(), report);
    freed.objects += more.objects;
    freed.bytes += more.bytes;
    settle_everything();
  }
  return {freed.objects, freed.bytes, objects.dump()};
}

}  // namespace mobula::raylet
