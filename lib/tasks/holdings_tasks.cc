#include <algorithm>
#include <cstring>

#include "refs/object_id.h"
#include "tasks/holdings_reader.h"

namespace mobula::tasks {
namespace {

using objects::read_once;
using refs::State;
using segment::EntryHeader;
using segment::Kind;

}  // namespace

// --- tasks ----------------------------------------------------------------------------------------------------------

void HoldingsReader::read_tasks() {
  for (std::uint32_t entry = 0; entry < entries_; ++entry) {
    const EntryHeader &header = segment_.entry(entry);
    const std::uint64_t word = header.state.load(std::memory_order_acquire);
    if (refs::state_of(word) != State::kSealed || read_once(header.kind) != Kind::kSpec) continue;
    // acquire: pairs with the raylet's store, which follows its reading of the spec.
    if (header.raylet_refs.load(std::memory_order_acquire) != 0) read_task(entry, header, word);
  }
  std::sort(links_.begin(), links_.end(),
            [](const Link &a, const Link &b) { return a.entry != b.entry ? a.entry < b.entry : a.by < b.by; });
}

void HoldingsReader::read_task(std::uint32_t entry, const EntryHeader &header, std::uint64_t word) {
  const std::optional<TaskSpec> spec = read_spec(header);
  if (!spec) return;
  const auto number = static_cast<std::uint32_t>(holdings_.tasks.size());
  Task task;
  task.spec = {entry, refs::generation_of(word)};
  task.site = read_once(header.site);
  task.creator_pid = read_once(header.creator_pid);
  task.since_ns = read_once(header.created_ns);
  task.function = spec->function;
  if (spec->options) task.name = spec->options->name;
  task.actor = spec->actor;
  task.makes_actor = spec->creation.has_value();
  read_claim(header, &task);
  holdings_.tasks.push_back(std::move(task));
  for (const ArgumentView &argument : spec->arguments) {
    add_link(argument.reference, number);
    for (const refs::ObjectName &name : argument.contained) add_link(name, number);
  }
  add_link(spec->actor, number);
}

// A copy, because its owner may be writing; verified by the decoder.
std::optional<TaskSpec> HoldingsReader::read_spec(const EntryHeader &header) {
  const std::uint64_t size = read_once(header.size);
  const std::uint64_t offset = read_once(header.offset);
  const bool is_inline = offset == segment::kInlineOffset;
  if (size > base::kSpecBytesMax || (is_inline ? size > segment::kInlineBytes : !segment_.contains(offset, size))) {
    return std::nullopt;
  }
  copy_.resize(size / sizeof(std::uint64_t) + 1);
  std::memcpy(copy_.data(), is_inline ? header.inline_bytes : segment_.readable(offset), size);
  return decode_spec(std::as_bytes(std::span(copy_)).first(size));
}

void HoldingsReader::read_claim(const EntryHeader &header, Task *task) const {
  const std::uint64_t word = header.claim.load(std::memory_order_acquire);
  const std::uint32_t worker = claimant_of(word);
  // Else an earlier tenant of the entry has left it.
  if (word != pack_claim(claim_of(word), worker, task->spec.generation) || worker >= clients_) return;
  task->claim = claim_of(word);
  task->worker = task->claim == Claim::kIdle ? 0 : worker;
  if (!task->runs()) return;
  const Process &process = holdings_.processes[worker];
  const bool is_actor = process.actor_entry != segment::kNoEntry;
  task->is_over = task->makes_actor ? is_actor : !is_actor && !process.runs();
  if (process.runs()) task->since_ns = std::max(task->since_ns, process.task_since_ns);
}

void HoldingsReader::add_link(const refs::ObjectName &name, std::uint32_t by) {
  if (name.entry < entries_) links_.push_back({name.entry, by, name.generation});
}

// --- what lies inside of objects ------------------------------------------------------------------------------------

// Only the raylet knows it for sure. But an id lies in the bytes as it is, and begins with the session's epoch.
void HoldingsReader::read_contents() {
  links_.clear();
  for (const std::uint32_t number : with_contents_) search(number);
  std::sort(links_.begin(), links_.end(),
            [](const Link &a, const Link &b) { return a.entry != b.entry ? a.entry < b.entry : a.by < b.by; });
  link_contents();
}

void HoldingsReader::search(std::uint32_t number) {
  const Object &object = holdings_.objects[number];
  const EntryHeader *header = &segment_.entry(object.name.entry);
  const std::uint32_t wanted = header->contained.load(std::memory_order_relaxed);
  if (object.created_ns == 0 && object.state == State::kFailed) {  // by the raylet: because of another one
    return add_link({read_once(header->verdict.cause_entry), read_once(header->verdict.cause_generation)}, number);
  }
  if (object.kind == Kind::kForward) {
    segment::ForwardTarget target{};
    std::memcpy(&target, header->inline_bytes, sizeof target);
    if (target.entry >= entries_) return;
    header = &segment_.entry(target.entry);
  }
  const std::uint64_t offset = read_once(header->offset);
  const std::uint64_t size = std::min(read_once(header->size), kSearchedBytesMax - searched_bytes_);
  if (offset == segment::kInlineOffset) {
    search_bytes(number, header->inline_bytes, std::min<std::uint64_t>(size, segment::kInlineBytes), wanted);
  } else if (segment_.contains(offset, size)) {
    search_bytes(number, segment_.readable(offset), size, wanted);
  }
}

void HoldingsReader::search_bytes(std::uint32_t number, const std::byte *bytes, std::uint64_t size,
                                  std::uint32_t wanted) {
  const std::byte *const end = bytes + size;
  const std::byte *at = bytes;
  for (std::uint32_t found = 0; found < wanted; ++found) {
    at = static_cast<const std::byte *>(
        memmem(at, static_cast<std::size_t>(end - at), &holdings_.epoch, refs::kEpochBytes));
    if (at == nullptr || static_cast<std::size_t>(end - at) < refs::kObjectIdBytes) break;
    const std::string_view id(reinterpret_cast<const char *>(at), refs::kObjectIdBytes);
    if (const auto name = refs::decode_id(holdings_.epoch, id)) add_link(*name, number);
    ++at;
  }
  searched_bytes_ += at == nullptr ? size : static_cast<std::uint64_t>(at - bytes);
}

// Both lists are in the order of entries.
void HoldingsReader::link_contents() {
  std::size_t next = 0;
  for (std::uint32_t number = 0; number < holdings_.objects.size() && next < links_.size(); ++number) {
    Object &object = holdings_.objects[number];
    while (next < links_.size() && links_[next].entry < object.name.entry) ++next;
    object.containers.begin = static_cast<std::uint32_t>(holdings_.containers.size());
    for (; next < links_.size() && links_[next].entry == object.name.entry; ++next) {
      if (links_[next].generation != object.name.generation || links_[next].by == number) continue;
      if (object.captures_found == object.captured_references) continue;
      ++object.captures_found;
      const bool is_known =
          holdings_.containers.size() > object.containers.begin && holdings_.containers.back() == links_[next].by;
      if (is_known) continue;
      holdings_.containers.push_back(links_[next].by);
      holdings_.contents.push_back(number);
    }
    object.containers.count = static_cast<std::uint32_t>(holdings_.containers.size()) - object.containers.begin;
  }
}

}  // namespace mobula::tasks
