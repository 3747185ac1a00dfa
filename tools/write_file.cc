#include "tools/write_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "base/file.h"

namespace mobula::tools {
namespace {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Status replace_file(const std::string &path, const std::string &text) {
  const std::string fresh = fmt::format("{}.{}", path, getpid());
  base::File file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  const bool done = file && write_all(file.get(), text) && std::rename(fresh.c_str(), path.c_str()) == 0;
  if (done) return nullptr;
  Status status = base::failure(Code::kInvalidArgument, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  if (file) unlink(fresh.c_str());
  return status;
}

}  // namespace mobula::tools
