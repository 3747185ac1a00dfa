#include "refs/call_sites.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string>

#include "segment/sites.h"

namespace mobula {
namespace runtime {

__thread const CallSite *innermost_call_site = nullptr;

}  // namespace runtime

namespace refs {
namespace {

constexpr int kFramesMax = 16;
constexpr std::size_t kStackBytesMax = segment::kSiteFileBytesMax + segment::kSiteFunctionBytesMax;

bool asked_for_stacks() {
  const char *const text = std::getenv("MOBULA_STACKS");
  return text != nullptr && text[0] == '1';
}

std::uint64_t next_table() {
  static std::atomic<std::uint64_t> tables{0};  // no word of the protocol
  return tables.fetch_add(1, std::memory_order_relaxed) + 1;
}

segment::SiteText text_of(const CallSite &site) {
  segment::SiteText text;
  text.kind = site.file != nullptr ? segment::SiteKind::kLine
              : site.line != 0     ? segment::SiteKind::kArgument
                                   : segment::SiteKind::kTask;
  text.line = site.line;
  if (site.file != nullptr) text.file = site.file;
  if (site.function != nullptr) text.function = site.function;
  return text;
}

// "program+1a2b libx.so+3c ...": whoever reads it knows the files, and makes names of it. Frames of this library are
// left out.
std::string describe_stack() {
  void *frames[kFramesMax];
  const int count = backtrace(frames, kFramesMax);
  Dl_info own{};
  dladdr(reinterpret_cast<const void *>(&describe_stack), &own);
  std::string text;
  for (int i = 0; i < count; ++i) {
    Dl_info info{};
    if (dladdr(frames[i], &info) == 0 || info.dli_fname == nullptr || info.dli_fbase == own.dli_fbase) continue;
    const std::string file = info.dli_fname;
    const auto offset = reinterpret_cast<std::uintptr_t>(frames[i]) - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    const std::string frame =
        fmt::format("{}{}+{:x}", text.empty() ? "" : " ", file.substr(file.rfind('/') + 1), offset);
    if (text.size() + frame.size() > kStackBytesMax) break;
    text += frame;
  }
  return text;
}

}  // namespace

__thread LookUp newest_look_up{};

CallSites::CallSites(const segment::Segment &segment)
    : segment_(segment), with_stacks_(asked_for_stacks()), table_(next_table()) {}

std::uint32_t CallSites::find_where_we_are(const CallSite *site, std::uint64_t key) {
  if (with_stacks_) return stack();
  return site == nullptr ? 0 : find(*site, key);
}

std::uint32_t CallSites::find(const CallSite &site, std::uint64_t key) {
  for (std::size_t place = key * kSpread >> kShift, i = 0; i < kProbesMax; ++i, place = (place + 1) % kPlaces) {
    // acquire: the number was written before the key.
    const std::uint64_t found = places_[place].key.load(std::memory_order_acquire);
    if (found == key) {
      const std::uint32_t number = places_[place].number.load(std::memory_order_relaxed);
      if (!with_stacks_) newest_look_up = {key, table_, number};
      return number;
    }
    if (found == 0) break;
  }
  return look_up(site, key);
}

std::uint32_t CallSites::look_up(const CallSite &site, std::uint64_t key) {
  if (key == 0) return 0;
  const std::uint32_t number = segment::intern_site(segment_, text_of(site));
  const std::lock_guard lock(mutex_);
  for (std::size_t place = key * kSpread >> kShift, i = 0; i < kProbesMax; ++i, place = (place + 1) % kPlaces) {
    const std::uint64_t found = places_[place].key.load(std::memory_order_relaxed);
    if (found == key) break;
    if (found != 0) continue;
    places_[place].number.store(number, std::memory_order_relaxed);
    places_[place].key.store(key, std::memory_order_release);
    break;
  }
  return number;
}

std::uint32_t CallSites::stack() {
  const std::string frames = describe_stack();
  segment::SiteText text;
  text.kind = segment::SiteKind::kStack;
  text.file = std::string_view(frames).substr(0, segment::kSiteFileBytesMax);
  if (frames.size() > segment::kSiteFileBytesMax) {
    text.function = std::string_view(frames).substr(segment::kSiteFileBytesMax);
  }
  return segment::intern_site(segment_, text);
}

}  // namespace refs
}  // namespace mobula
