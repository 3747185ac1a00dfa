// stress/mix_views.h: the part of the storm's mix that reads and writes objects where they lie, and counts who refers
// to them.
//   Threads    the driver's only one
//   Ownership  none: what it makes is handed to the caller's holdings
#pragma once

#include <mobula/draft.h>
#include <mobula/figures.h>
#include <mobula/view.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "calls.h"
#include "holdings.h"
#include "mix_tasks.h"

namespace mix {

class MixViews {
 public:
  MixViews(Calls &calls, std::mt19937_64 &random) : calls_(calls), random_(random) {}

  // A few views stay for a while: handles beside those that the holdings count, so they go before anybody counts.
  void look(const Held &held) {
    const auto payload = calls_.get(held.handles[0]);  // an error that a kill explains is judged here
    if (payload == nullptr) return;
    const auto view = calls_.published(false, [&] { return mobula::view(held.handles[0]); });
    require(is_payload(view.data(), view.size(), held.seed, held.words), "view");
    views_.push_back(view);
    if (views_.size() > kViewsMax) views_.erase(views_.begin());
  }

  void pass(const Held &held) {
    const auto seed = calls_.submit(MIX_TASKS::check_view, held.handles[0]);
    if (const auto found = calls_.get(seed)) require(*found == short_seed(held.seed), "view in a task");
  }

  // Others may have more.
  void count(const Held &held) {
    const auto count = calls_.published(false, [&] { return mobula::ref_count(held.handles[0]); });
    if (count.processes == 0 || count.handles < held.handles_count() || count.pins < held.pins) {
      fail("wrong counts: ref_count says " + std::to_string(count.handles) + " handles and " +
           std::to_string(count.pins) + " pins, this process alone has " + std::to_string(held.handles_count()) +
           " and " + std::to_string(held.pins));
    }
  }

  // Sealed, or given up half written.
  void write(Holdings &holdings, std::uint64_t seed, std::uint64_t words) {
    auto draft = calls_.published(false, [&] { return mobula::create<std::uint64_t>(words); });
    const Payload payload = make_payload(seed, words);
    const bool is_kept = random_() % 4 != 0;
    std::copy_n(payload.begin(), is_kept ? words : words / 2, draft.data());
    if (!is_kept) return;
    const auto object = calls_.published(false, [&] { return std::move(draft).seal(); });
    holdings.add(object, seed, words);
  }

  void call(Holdings &holdings, std::uint64_t seed, std::uint64_t words) {
    holdings.add(calls_.submit(MIX_TASKS::make_in_place, seed, words), seed, words);
  }

  void drop_all() { views_.clear(); }

 private:
  static constexpr std::size_t kViewsMax = 4;

  static bool is_payload(const std::uint64_t *data, std::size_t size, std::uint64_t seed, std::uint64_t words) {
    return is_payload_of(Payload(data, data + size), seed, words);
  }

  Calls &calls_;
  std::mt19937_64 &random_;
  std::vector<mobula::View<Payload>> views_;
};

}  // namespace mix
