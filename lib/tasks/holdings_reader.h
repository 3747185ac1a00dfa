// tasks/holdings_reader.h: the steps of read_holdings.
//   Threads    thread-bound; others change what it reads
//   Cost       tasks/holdings.h
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "objects/client_rows.h"
#include "tasks/holdings.h"
#include "tasks/task_spec.h"

namespace mobula::tasks {

class HoldingsReader {
 public:
  HoldingsReader(const segment::Segment &segment, std::int64_t now_ns);
  Holdings read(const std::function<bool(std::uint32_t pid)> &is_alive);

 private:
  struct HandleRow : objects::RowCopy {
    std::uint32_t client = 0;
  };
  // `entry` is referred to by number `by`: a task, or an object that contains it.
  struct Link {
    std::uint32_t entry = 0;
    std::uint32_t by = 0;
    std::uint64_t generation = 0;
  };

  // holdings.cc: processes, their rows, and the objects
  void read_processes(const std::function<bool(std::uint32_t pid)> &is_alive);
  void read_rows();
  std::span<const HandleRow> rows_of(std::uint32_t entry) const;
  void read_entry(std::uint32_t entry);
  void count_block(const segment::EntryHeader &header, std::uint64_t word);
  void describe(const segment::EntryHeader &header, std::uint64_t word, Object *object) const;
  void read_holders(std::uint32_t entry, Object *object);
  void add_holder(std::uint32_t client, std::span<const HandleRow> rows, bool holds, bool pinned);
  void read_references(const segment::EntryHeader &header, Object *object);

  // holdings_tasks.cc: tasks, their arguments, and what lies inside of objects
  void read_tasks();
  void read_task(std::uint32_t entry, const segment::EntryHeader &header, std::uint64_t word);
  std::optional<TaskSpec> read_spec(const segment::EntryHeader &header);
  void read_claim(const segment::EntryHeader &header, Task *task) const;
  void add_link(const refs::ObjectName &name, std::uint32_t by);
  void read_contents();
  void search(std::uint32_t number);
  void search_bytes(std::uint32_t number, const std::byte *bytes, std::uint64_t size, std::uint32_t wanted);
  void link_contents();

  const segment::Segment &segment_;
  const std::uint32_t entries_;
  const std::uint32_t groups_;
  const std::uint32_t clients_;
  Holdings holdings_;
  std::vector<HandleRow> rows_;               // by entry
  std::vector<std::uint32_t> rows_begin_;     // by entry: its first one; one more at the end
  std::vector<Link> links_;                   // of tasks, then of containers; by entry
  std::size_t next_link_ = 0;                 // that read_references looks at
  std::vector<std::uint32_t> with_contents_;  // numbers of objects
  std::vector<std::uint64_t> copy_;           // of a spec
  std::uint64_t blocks_bytes_ = 0;
  std::uint64_t pooled_bytes_ = 0;
  std::uint64_t searched_bytes_ = 0;
};

}  // namespace mobula::tasks
