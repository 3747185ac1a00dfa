// objects/reaper.h: what to do, and in which order, after clients have died. Pure: deaths and `now` in, steps out.
//   Threads    thread-bound (the raylet)
//   Errors     none; at most kClientsMax deaths are known at once, since an id is used again only after kReuse
//   Cost       O(1) per step. Long steps are done in parts, so that nobody else waits for a death
//   Source     docs/reference-rules.md, "The reaper": steps a to i. Evicting may happen between any two of them
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace mobula::objects {

enum class ReapStep : std::uint8_t {
  kDrain,      // b: read its ring, and everybody's, to the end
  kJudge,      // c: its task, or its job's tasks, by claim and result word
  kSettle,     // d: what it left unsettled fails, its free entries return
  kRing,       // h: every bell; all that it can have left somebody waiting for is settled by now
  kClearRows,  // f, g: what its rows name loses its bits; then its rows are nothing any more
  kFree,       // what nobody refers to now
  kDetach,     // rows, rings and slot are given back; the id rests
  kSweep,      // rule 3: its bits in every entry, in case a stray store had damaged its rows; in the background
  kReuse,      // i: the id may be given out again
};

struct ReapAction {
  ReapStep step = ReapStep::kDrain;
  std::uint32_t client = 0;
  std::int32_t process_end = 0;  // as segment::Verdict has it
  std::uint64_t position = 0;    // where the last part of this step ended, 0 at first
};

// Times from a death's being seen to kFree's end, over the last kReapTimesKept deaths.
struct ReapFigures {
  std::uint64_t count = 0;
  std::int64_t p50_us = 0;
  std::int64_t p99_us = 0;
  std::int64_t max_us = 0;  // of all
};
constexpr std::size_t kReapTimesKept = 4096;

class Reaper {
 public:
  // a: every thread of the client is gone, or it said that it has given its mapping up. False: known already.
  bool died(std::uint32_t client, std::int32_t process_end, std::int64_t now_ns);

  // What to do now, nothing when nobody is left to reap. One death after another up to kDetach, then the sweeps. Stays
  // the same until it is reported done.
  std::optional<ReapAction> next() const;
  // The present action has come this far; it comes again.
  void go_on_from(std::uint64_t position);
  void finished(std::int64_t now_ns);

  bool is_reaping(std::uint32_t client) const;
  ReapFigures figures() const;

 private:
  struct Death {
    ReapAction action;
    std::int64_t seen_ns = 0;
  };
  std::deque<Death> &current();
  void note_time(std::int64_t elapsed_ns);

  std::deque<Death> deaths_;  // up to kDetach
  std::deque<Death> sweeps_;  // the rest
  std::vector<std::int64_t> times_us_;
  std::size_t next_time_ = 0;
  std::uint64_t count_ = 0;
  std::int64_t max_us_ = 0;
};

}  // namespace mobula::objects
