// objects/sampler.h: takes stock of a session from time to time: how much there is, by call site and by holder.
//   Threads    thread-bound
//   Crash      clients may have damaged what is read: every number is checked before it is used as a place
//   Errors     objects that come or go during a look are in it or not
//   Cost       a step looks at kWordsPerStep words at most. A look that is due begins at the
//              earliest 100 t after one that took t; all together take 1 % of the time, and 10 ms at the start
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "objects/history.h"
#include "segment/segment.h"

namespace mobula::objects {

// Looks at all entries once, some at a step.
class EntryScan {
 public:
  static constexpr std::uint32_t kWordsPerStep = 1024;  // of holder sets; an entry has one for each group of clients

  explicit EntryScan(const segment::Segment &segment);

  // True: that was the last of them, and finish() may be called.
  bool step();
  bool is_under_way() const { return next_ != 0; }
  // What was found, without time, freed objects, evictions and tasks; the next step begins anew.
  SampleRecord finish();

 private:
  struct Sums {
    explicit Sums(std::uint32_t ids) : shares(ids) {}
    void add(std::uint32_t id, std::uint64_t bytes);
    std::vector<ShareRecord> take_largest();

    std::vector<ShareRecord> shares;  // by id
    std::vector<std::uint32_t> used;  // ids of those that are not 0
  };
  void look_at(std::uint32_t entry, std::uint32_t groups);
  std::uint64_t bytes_of(const segment::EntryHeader &header, std::uint64_t word) const;
  std::uint64_t buffer_bytes_of(const segment::EntryHeader &header) const;

  const segment::Segment &segment_;
  std::uint32_t next_ = 0;
  SampleRecord found_;
  Sums sites_;
  Sums holders_;
};

// When to look, and which number the sample gets.
class SamplePace {
 public:
  // 0: never.
  explicit SamplePace(std::int64_t interval_ns) : interval_ns_(interval_ns) {}

  bool is_on() const { return interval_ns_ != 0; }
  bool is_due(std::int64_t now_ns) const { return is_on() && now_ns >= due_ns_; }
  // Before a sleep of unknown length, a look that is not due yet: so that the newest sample is of what stays meanwhile.
  // It may come soon after others as long as all looks of some time cost no more than their part of it.
  bool may_look(std::int64_t now_ns) const {
    return is_on() && now_ns - newest_ns_ >= base::kNanosecondsPerMillisecond && credit_ns(now_ns) > 0;
  }
  // Of a step.
  void add_cost(std::int64_t cost_ns) { cost_ns_ += cost_ns; }
  // The look is through. The number of its sample: the next one, or that of the newest, which it replaces when both
  // come within the interval after the one before; of any three samples two are an interval apart.
  std::uint64_t finish(std::int64_t now_ns);

 private:
  static constexpr std::int64_t kCostFactor = 100;
  static constexpr std::int64_t kCreditMaxNs = 10 * base::kNanosecondsPerMillisecond;  // that of a second

  // What looks may still cost.
  std::int64_t credit_ns(std::int64_t now_ns) const {
    return std::min(kCreditMaxNs, credit_ns_ + (now_ns - newest_ns_) / kCostFactor);
  }

  const std::int64_t interval_ns_;
  std::int64_t due_ns_ = 0;
  std::int64_t credit_ns_ = kCreditMaxNs;  // at the newest look
  std::int64_t cost_ns_ = 0;               // of the look under way
  std::int64_t newest_ns_ = 0;
  std::int64_t before_newest_ns_ = 0;
  std::uint64_t number_ = 0;
};

// What the session holds now, in one look.
SampleRecord look_once(const segment::Segment &segment);

}  // namespace mobula::objects
