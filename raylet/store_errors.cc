// Errors that the raylet has more to say about than a verdict's fields hold.
#include <unistd.h>

#include <cstring>

#include "base/clock.h"
#include "objects/size_classes.h"
#include "raylet/store.h"

namespace mobula::raylet {

std::optional<refs::ObjectName> Store::seal_error(std::span<const std::byte> bytes) {
  if (free_entries_.empty() && !reserve_more_entries()) return std::nullopt;
  const std::uint32_t entry = free_entries_.back();
  if (!bind_block(entry, objects::class_of(bytes.size()), bytes.size())) return std::nullopt;
  free_entries_.pop_back();
  index_[entry].is_out = true;
  segment::EntryHeader &header = segment_.entry(entry);
  header.size = bytes.size();
  header.format = 0;
  header.kind = segment::Kind::kError;
  header.creator_pid = static_cast<std::uint32_t>(getpid());
  header.created_ns = base::coarse_ns();
  const bool is_inline = header.offset == segment::kInlineOffset;
  std::memcpy(is_inline ? header.inline_bytes : segment_.writable(header.offset, bytes.size()), bytes.data(),
              bytes.size());
  const std::uint64_t generation = refs::generation_of(word_of(entry));
  // Nobody else knows the entry yet.
  header.state.exchange(refs::pack(refs::State::kSealed, refs::kRayletWriter, generation), std::memory_order_seq_cst);
  suggest(entry);  // unless somebody contains it by the next batch, it goes again
  return refs::ObjectName{entry, generation};
}

}  // namespace mobula::raylet
