// segment/sites.h: the table of call sites: texts that are written once and then named by a number.
//   Layout     kSitesMax places of segment::Site; a site lies where its hash says, or up to kSiteProbesMax places on
//   Threads    any thread of any process interns and reads
//   Crash      whoever claimed a place writes a text that follows from the site alone; who interns the same site and
//              finds no text writes it, so a death in between loses nothing
//   Errors     a full neighbourhood gives number 0, "unknown". Two sites of one 64-bit hash are taken for one
//   Cost       intern: a hash of the texts, and a CAS the first time. read: O(text)
#pragma once

#include <string>
#include <string_view>

#include "segment/segment.h"

namespace mobula::segment {

constexpr std::uint32_t kSiteProbesMax = 64;
// Of a longer path the end is kept, of a longer function name the beginning.
constexpr std::size_t kSiteFileBytesMax = 112;
constexpr std::size_t kSiteFunctionBytesMax = sizeof(Word) * kSiteWords - kSiteFileBytesMax;

struct SiteText {
  SiteKind kind = SiteKind::kNone;
  std::uint32_t line = 0;
  std::string_view file;
  std::string_view function;
};

// The site's number, from 1; 0: the table is full.
std::uint32_t intern_site(const Segment &segment, const SiteText &site);

struct SiteCopy {
  SiteKind kind = SiteKind::kNone;  // kNone: unknown
  std::uint32_t line = 0;
  std::string file;
  std::string function;
};
// Of any number, also one that is damaged. Characters that are not printable come as '?'.
SiteCopy read_site(const Segment &segment, std::uint32_t number);
// "make_batch() at train.cpp:88", "argument 2 of make_batch", "in make_batch"; "" when unknown.
std::string describe(const SiteCopy &site);

}  // namespace mobula::segment
