// The other half of remote_traps_test.cc.
#include "api/remote_in_header.h"

namespace {

int second_file() { return 2; }

}  // namespace

// clang-format off
#line 1000
RAY_REMOTE(second_file);
// clang-format on

namespace traps {

std::uint64_t number_in_second_file() { return ray::internal::find_function(second_file); }
std::uint64_t shared_number_in_second_file() { return ray::internal::find_function(shared_by_files); }

}  // namespace traps
