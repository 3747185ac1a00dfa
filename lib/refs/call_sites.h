// refs/call_sites.h: the number of the call site at which this thread is, in the segment's table.
//   Threads    thread-safe: what was looked up once is read without a lock
//   Process    one process and one session
//   Cost       a known site: two loads; a new one, and each beyond some thousand in one process: a look into the
//              table of the segment
// With MOBULA_STACKS=1 a site is the list of return addresses in place of the line: some microseconds each.
#pragma once

#include <array>
#include <cstdint>

#include "base/atomic.h"
#include "base/tracking.h"
#include "mobula/call_site.h"
#include "segment/segment.h"

namespace mobula::refs {

// What this thread has looked up last.
struct LookUp {
  std::uint64_t key;
  std::uint64_t table;  // 0: nothing yet
  std::uint32_t number;
};
extern __thread LookUp newest_look_up;

class CallSites {
 public:
  explicit CallSites(const segment::Segment &segment);

  // The number of `site`, null: of the innermost one of this thread. 0: the program gave none, or the table is full.
  std::uint32_t current(const CallSite *site = nullptr) {
    if constexpr (!base::kTracking) return 0;
    if (site == nullptr) site = runtime::innermost_call_site;
    const std::uint64_t key = site == nullptr ? 0 : key_of(*site);
    return is_newest(key) ? newest_look_up.number : find_where_we_are(site, key);
  }
  // The site itself, also where stacks are asked for.
  std::uint32_t number_of(const CallSite &site) {
    if constexpr (!base::kTracking) return 0;
    const std::uint64_t key = key_of(site);
    return is_newest(key) ? newest_look_up.number : find(site, key);
  }
  bool with_stacks() const { return with_stacks_; }

 private:
  static constexpr std::size_t kPlaces = 1024;
  static constexpr std::size_t kProbesMax = 16;
  static constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15ull;  // 2^64 / golden ratio (Knuth, TAOCP 6.4)
  static constexpr int kShift = 64 - 10;
  static_assert(kPlaces == 1u << 10);
  struct Place {
    base::Atomic<std::uint64_t> key;  // 0: free. Written once
    base::Atomic<std::uint32_t> number;
  };

  // The text's address and the line: 47 and 17 bits. Of a line beyond that the upper bits fall together with others.
  static std::uint64_t key_of(const CallSite &site) {
    const char *const text = site.file != nullptr ? site.file : site.function;
    return reinterpret_cast<std::uintptr_t>(text) ^ static_cast<std::uint64_t>(site.line) << 47;
  }
  // A thread is often where it was before. The number is then known before the comparison has ended. Never with stacks.
  bool is_newest(std::uint64_t key) const { return newest_look_up.key == key && newest_look_up.table == table_; }
  // Not inlined: who asks shall not save registers for it.
  [[gnu::noinline]] std::uint32_t find_where_we_are(const CallSite *site, std::uint64_t key);
  std::uint32_t find(const CallSite &site, std::uint64_t key);
  std::uint32_t look_up(const CallSite &site, std::uint64_t key);
  std::uint32_t stack();

  const segment::Segment &segment_;
  const bool with_stacks_;
  const std::uint64_t table_;  // tells this table from all others of the process
  base::Mutex mutex_;          // of adding
  std::array<Place, kPlaces> places_{};
};

}  // namespace mobula::refs
