#include "base/error.h"

#include <system_error>

namespace mobula::base {

void throw_errno(const std::string &what) {
  const int code = errno;
  throw Fault(what + ": " + std::system_category().message(code) + " (errno " + std::to_string(code) + ")");
}

}  // namespace mobula::base
