// tools/write_file.h: writes a file that others may read at any moment.
//   Crash      they see the old text or the new one; a file named FILE.PID may stay behind
//   Errors     kInvalidArgument with the path and what the kernel said; the old file stays
#pragma once

#include <string>

#include "base/error.h"

namespace mobula::tools {

// Readable by everybody, as far as the umask allows.
Status replace_file(const std::string &path, const std::string &text);

}  // namespace mobula::tools
