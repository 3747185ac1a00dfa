// tools/report_names.h: what the numbers in a session's records stand for, in words.
//   Errors     of a damaged number: "", or what can be said without it
#pragma once

#include <string>

#include "segment/segment.h"

namespace mobula::tools {

// "train.cpp:88 make_batch()": describe() of the site, without the folders of its file. "" when unknown.
std::string short_site(const segment::Segment &segment, std::uint32_t number);
std::string whole_site(const segment::Segment &segment, std::uint32_t number);
// "make_batch": the function of a task. "" when unknown.
std::string function_of(const segment::Segment &segment, std::uint32_t number);

// A process that has a client id.
struct ClientName {
  std::uint32_t pid = 0;  // 0: nobody has the id
  std::string kind;       // driver, worker, actor
  bool is_ending = false;
};
ClientName client_name(const segment::Segment &segment, std::uint32_t client);
// Ids below this one have a slot.
std::uint32_t clients_end(const segment::Segment &segment);

// command_line() (tools/labels.h), at most 200 bytes of it.
std::string short_command(std::uint32_t pid);
// "2026-01-31 12:00:00 UTC".
std::string utc_text(std::int64_t wall_ns);

}  // namespace mobula::tools
