#include "segment/sites.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace mobula::segment {
namespace {

using Text = std::array<char, sizeof(Word) * kSiteWords>;

constexpr std::uint64_t kHashStart = 14695981039346656037ull;  // FNV-1a, 64 bits
constexpr std::uint64_t kHashPrime = 1099511628211ull;

std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * kHashPrime;
  return hash;
}

std::uint64_t key_of(const SiteText &site, std::uint64_t about) {
  std::uint64_t hash = mix(mix(kHashStart, site.file), site.function);
  hash = (hash ^ about) * kHashPrime;
  hash ^= hash >> 32;
  return hash == 0 ? 1 : hash;
}

std::uint64_t about_of(const SiteText &site) {
  return static_cast<std::uint64_t>(site.kind) | static_cast<std::uint64_t>(site.file.size()) << 8 |
         static_cast<std::uint64_t>(site.function.size()) << 16 | static_cast<std::uint64_t>(site.line) << 32;
}

void write_text(Site &place, const SiteText &site, std::uint64_t about) {
  Text text{};
  std::copy(site.file.begin(), site.file.end(), text.begin());
  std::copy(site.function.begin(), site.function.end(), text.begin() + static_cast<std::ptrdiff_t>(site.file.size()));
  for (std::size_t i = 0; i < kSiteWords; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i * sizeof word, sizeof word);
    place.text[i].store(word, std::memory_order_relaxed);
  }
  place.about.store(about, std::memory_order_release);  // the text before the word that says how long it is
}

bool is_or_becomes(Site &place, std::uint64_t key) {
  std::uint64_t found = place.key.load(std::memory_order_acquire);
  if (found == 0 && place.key.compare_exchange_strong(found, key, std::memory_order_acq_rel)) return true;
  return found == key;
}

std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char letter) { return letter < 0x20 || letter == 0x7f; }, '?');
  return text;
}

}  // namespace

std::uint32_t intern_site(const Segment &segment, const SiteText &whole) {
  SiteText site = whole;
  if (site.file.size() > kSiteFileBytesMax) site.file.remove_prefix(site.file.size() - kSiteFileBytesMax);
  site.function = site.function.substr(0, kSiteFunctionBytesMax);
  const std::uint64_t about = about_of(site);
  const std::uint64_t key = key_of(site, about);
  for (std::uint32_t probe = 0; probe < kSiteProbesMax; ++probe) {
    const auto index = static_cast<std::uint32_t>((key + probe) % base::kSitesMax);
    Site &place = segment.site(index);
    if (!is_or_becomes(place, key)) continue;
    if (place.about.load(std::memory_order_acquire) == 0) write_text(place, site, about);
    return index + 1;
  }
  return 0;
}

SiteCopy read_site(const Segment &segment, std::uint32_t number) {
  if (number == 0 || number > base::kSitesMax) return {};
  const Site &place = segment.site(number - 1);
  const std::uint64_t about = place.about.load(std::memory_order_acquire);
  const std::size_t file_bytes = about >> 8 & 0xff;
  const std::size_t function_bytes = about >> 16 & 0xff;
  if (about == 0 || file_bytes + function_bytes > sizeof(Word) * kSiteWords) return {};
  Text text;
  for (std::size_t i = 0; i < kSiteWords; ++i) {
    const std::uint64_t word = place.text[i].load(std::memory_order_relaxed);
    std::memcpy(text.data() + i * sizeof word, &word, sizeof word);
  }
  SiteCopy site;
  site.kind = static_cast<SiteKind>(about & 0xff);
  site.line = static_cast<std::uint32_t>(about >> 32);
  site.file = printable(std::string(text.data(), file_bytes));
  site.function = printable(std::string(text.data() + file_bytes, function_bytes));
  return site;
}

std::string describe(const SiteCopy &site) {
  switch (site.kind) {
    case SiteKind::kLine:
      return fmt::format("{}:{} {}()", site.file, site.line, site.function);
    case SiteKind::kArgument:
      return fmt::format("argument {} of {}", site.line, site.function);
    case SiteKind::kTask:
      return "in " + site.function;
    case SiteKind::kStack:
      return site.file + site.function;
    case SiteKind::kNone:
      break;
  }
  return "";
}

}  // namespace mobula::segment
