// tools/references.h: the references of a session, one row each, as `mobula memory` lists them. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/labels.h"

namespace mobula::tools {

// The words of Ray's memory listing, then those for what is no reference and keeps an object all the same.
enum class ReferenceType : std::uint8_t {
  kActorHandle,
  kPinned,
  kUsedByTask,
  kLocal,
  kCaptured,
  kNamed,
  kWeak,
  kRetained,
  kToBeFreed,
};
constexpr std::uint32_t kReferenceTypes = 9;
const char *name_of(ReferenceType type);

struct ReferenceRow {
  std::uint32_t object = 0;  // a number in Holdings::objects
  ReferenceType type = ReferenceType::kLocal;
  segment::ClientKind process = segment::ClientKind::kNone;
  std::uint32_t pid = 0;      // 0: of no process
  std::uint32_t site = 0;     // where the reference was taken, or its task submitted
  std::uint32_t handles = 0;  // pins, for a pin
  std::int64_t since_ns = 0;  // 0: unknown
};

// In the order of objects.
std::vector<ReferenceRow> list_references(const tasks::Holdings &holdings, const Labels &labels);

enum class SortBy { kSize, kAge, kPid, kSite, kHandles };
// Largest, oldest and most first; pids and sites ascending.
void sort(const tasks::Holdings &holdings, SortBy by, Labels &labels, std::vector<ReferenceRow> *rows);

}  // namespace mobula::tools
