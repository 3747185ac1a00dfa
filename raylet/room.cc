// Space that is made by the eviction and mark passes, and what keeps objects from the former: names, weak references.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "raylet/raylet.h"
#include "refs/object_id.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kBatchesMax = 4096;
constexpr std::size_t kCollectedNamed = 100;  // objects that the answer to a mark pass lists

}  // namespace

// When somebody waits for space, or more than the upper mark is in use. True when it freed something.
bool Raylet::make_room() {
  const bool is_short = segment_->header().pressure.load(std::memory_order_relaxed) != 0;
  std::uint64_t wanted_bytes = marks_.excess_bytes(store_.used_bytes());
  if (is_short) wanted_bytes = std::max(wanted_bytes, space_.bytes_short());
  // What nobody refers to comes first.
  if (wanted_bytes == 0 || store_.has_candidates()) return false;
  if (store_.evict(wanted_bytes, drainer()).objects != 0) return true;
  if (!store_.has_candidates()) marks_.rest();
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
  if (!store_.is_named(object)) return refused(Code::kObjectLost, "publish: the object is gone");
  switch (store_.publish(request.name, object, request.replace)) {
    case refs::NameTable::Change::kDone:
      return refused(Code::kOk, "");
    case refs::NameTable::Change::kTaken:
      return refused(Code::kInvalidArgument,
                     fmt::format("publish: the name '{}' stands for another object; unpublish it, or publish with "
                                 "mobula::Replace::kYes",
                                 request.name));
    case refs::NameTable::Change::kFull:
      return refused(Code::kLimitReached,
                     fmt::format("publish: the session has its limit of {} names", base::kNamesMax));
    case refs::NameTable::Change::kNoMemory:
      break;
  }
  return refused(Code::kStoreFull, "publish: no shared memory could be reserved for more names");
}

// Bounded: clients that never stop must not keep us from our sockets.
void Raylet::free_candidates() {
  for (std::uint32_t batches = 0; batches < kBatchesMax && store_.has_candidates(); ++batches) {
    store_.free_batch(drainer());
  }
}

wire::EvictReply Raylet::evict(const wire::EvictRequest &request) {
  wire::EvictReply reply;
  while (reply.bytes < request.bytes) {
    free_candidates();
    const Freed freed = store_.evict(request.bytes - reply.bytes, drainer());
    if (freed.objects == 0) break;
    reply.objects += freed.objects;
    reply.bytes += freed.bytes;
  }
  free_candidates();
  return reply;
}

wire::CollectReply Raylet::collect() {
  nlohmann::json objects = nlohmann::json::array();
  const Freed freed = store_.collect_cycles(drainer(), [&](const refs::ObjectName &name) {
    if (objects.size() >= kCollectedNamed) return;
    const segment::EntryHeader &header = segment_->entry(name.entry);
    objects.push_back({{"id", refs::digits_of(refs::encode_id(segment_->header().epoch, name))},
                       {"size", header.size},
                       {"creator_pid", header.creator_pid}});
  });
  free_candidates();
  return {freed.objects, freed.bytes, objects.dump()};
}

}  // namespace mobula::raylet
