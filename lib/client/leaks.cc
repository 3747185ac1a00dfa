#include "client/leaks.h"

#include <fmt/format.h>

#include "base/units.h"
#include "objects/client_rows.h"
#include "refs/evict.h"
#include "refs/object_id.h"

namespace mobula::client {
namespace {

class Look {
 public:
  Look(const segment::Segment &segment, std::uint32_t client_id) : segment_(segment), own_id_(client_id) {}

  Leaks run() {
    const std::uint32_t clients = segment_.header().clients_reserved.load(std::memory_order_acquire);
    for (std::uint32_t client = 1; client < clients; ++client) {
      if (segment_.client(client).reaping.load(std::memory_order_acquire) != 0) continue;
      objects::for_each_row(segment_, client, [&](const objects::RowCopy &row) { look_at_row(client, row); });
    }
    for (std::uint32_t entry = 0; entry < segment_.entries_reserved(); ++entry) look_at_entry(entry);
    if (tasks_ != 0) leaks_.others.push_back(base::counted(tasks_, "task") + " not finished");
    // What lies inside a retained object is kept by it, and from here the two cannot be told apart.
    if (!retained_contain_) leaks_.others.insert(leaks_.others.end(), kept_.begin(), kept_.end());
    return std::move(leaks_);
  }

 private:
  std::uint64_t word_of(std::uint32_t entry) const {
    return segment_.entry(entry).state.load(std::memory_order_acquire);
  }

  std::string describe_object(std::uint32_t entry, std::uint64_t word) const {
    const segment::EntryHeader &header = segment_.entry(entry);
    const std::string digits =
        refs::digits_of(refs::encode_id(segment_.header().epoch, {entry, refs::generation_of(word)}));
    const std::string size = refs::is_described(word) ? ", " + base::format_bytes(header.size) : "";
    return fmt::format("object {} ({}{})", digits, refs::name_of(refs::state_of(word)), size);
  }

  void look_at_row(std::uint32_t client, const objects::RowCopy &row) {
    const std::uint32_t entry = row.entry;
    if (entry >= segment_.entries_reserved()) return;
    const std::uint64_t word = word_of(entry);
    // A free entry lies in a pool: the row is kept for its next object.
    if (!refs::names(word, row.generation)) return;
    if (refs::is_described(word) && !segment::is_object(segment_.entry(entry).kind)) return;
    const std::string object = describe_object(entry, word);
    if (client != own_id_) {
      leaks_.others.push_back(fmt::format("pid {} holds {}", segment_.client(client).pid, object));
    } else if (refs::state_of(word) == refs::State::kCreating) {
      leaks_.own.push_back("a draft that was never sealed: " + object);
    } else {
      leaks_.own.push_back(object + ": " + base::counted(row.count - std::min(row.pins, row.count), "handle") +
                           (row.pins == 0 ? "" : " and " + base::counted(row.pins, "pin")) + " of this process");
    }
  }

  // What no process holds.
  void look_at_entry(std::uint32_t entry) {
    const std::uint64_t word = word_of(entry);
    const segment::EntryHeader &header = segment_.entry(entry);
    if (refs::state_of(word) == refs::State::kFree) return;
    if (refs::is_described(word) && !segment::is_object(header.kind)) {
      if (header.kind == segment::Kind::kSpec) ++tasks_;
      return;
    }
    const bool is_pinned_by_session = (header.pins.load(std::memory_order_acquire) & 1) != 0;
    if (is_pinned_by_session) leaks_.others.push_back("pinned by the session: " + describe_object(entry, word));
    if (header.retained.load(std::memory_order_acquire) != 0) {
      retained_contain_ |= header.contained != 0;
      return;
    }
    if (is_pinned_by_session || refs::is_referenced(segment_, entry, segment_.groups_live())) return;
    const bool is_kept = header.raylet_refs.load(std::memory_order_acquire) != 0;
    kept_.push_back((is_kept ? "a task or another object refers to " : "not freed yet: ") +
                    describe_object(entry, word));
  }

  const segment::Segment &segment_;
  const std::uint32_t own_id_;
  Leaks leaks_;
  std::vector<std::string> kept_;
  std::uint64_t tasks_ = 0;
  bool retained_contain_ = false;
};

void add_lines(const std::vector<std::string> &lines, std::string *text) {
  for (std::size_t i = 0; i < lines.size() && i < kLeaksNamed; ++i) *text += "\n  " + lines[i];
  if (lines.size() > kLeaksNamed) *text += fmt::format("\n  and {} more", lines.size() - kLeaksNamed);
}

}  // namespace

Leaks find_leaks(const segment::Segment &segment, std::uint32_t client_id) { return Look(segment, client_id).run(); }

std::string describe(const Leaks &leaks) {
  if (leaks.empty()) return "";
  std::string text = "the session is not empty:";
  add_lines(leaks.own, &text);
  add_lines(leaks.others, &text);
  return text;
}

}  // namespace mobula::client
