// api/remote_in_header.h: a header with RAY_REMOTE, which two files include.
#pragma once

#include "ray/api/ray_remote.h"
#include "ray/api/task_caller.h"

namespace traps {

inline int shared_by_files() { return 3; }

RAY_REMOTE(shared_by_files);

// Of the two files, whose macros stand on the same line.
std::uint64_t number_in_first_file();
std::uint64_t number_in_second_file();
std::uint64_t shared_number_in_first_file();
std::uint64_t shared_number_in_second_file();

}  // namespace traps
