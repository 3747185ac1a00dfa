#include "raylet/session_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "wire/socket.h"

namespace mobula::raylet {
namespace {

constexpr int kBacklog = 128;
constexpr int kClaimTries = 8;

std::string lock_path(const std::string &folder) { return folder + "/lock"; }

// An open, locked lock file, or nothing when a living raylet has it.
base::File try_lock(const std::string &folder, int flags) {
  base::File lock(open(lock_path(folder).c_str(), flags | O_RDWR | O_CLOEXEC, 0600));
  if (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) lock.reset();
  return lock;
}

bool is_same_file(const base::File &file, const std::string &path) {
  struct stat own {};
  struct stat named {};
  return fstat(file.get(), &own) == 0 && stat(path.c_str(), &named) == 0 && own.st_ino == named.st_ino;
}

void remove_folder(const std::string &folder) {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

// What raylets left that were killed: their locks are free.
void sweep(const std::string &sessions) {
  std::error_code code;
  for (const auto &folder : std::filesystem::directory_iterator(sessions, code)) {
    const base::File lock = try_lock(folder.path().string(), 0);
    if (lock) remove_folder(folder.path().string());
  }
}

}  // namespace

std::string SessionFolder::socket_path() const { return wire::socket_path(path_); }

Status SessionFolder::claim(const std::string &session) {
  if (Status status = wire::session_folder(session, &path_)) return status;
  for (int i = 0; i < kClaimTries; ++i) {
    if (mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST) {
      return base::failure(Code::kInvalidArgument, fmt::format("cannot create {}: {}", path_, std::strerror(errno)));
    }
    base::File lock = try_lock(path_, O_CREAT);
    if (!lock && errno != ENOENT) {
      return base::failure(
          Code::kInvalidArgument,
          fmt::format("session '{}' is running: end it with: mobula stop --session {}", session, session));
    }
    // A sweep may have removed the folder between mkdir and flock.
    if (lock && is_same_file(lock, lock_path(path_))) {
      lock_ = std::move(lock);
      return nullptr;
    }
  }
  return base::failure(Code::kInvalidArgument,
                       fmt::format("{} was removed again and again while it was claimed", path_));
}

Status SessionFolder::listen() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket_path();
  if (path.size() >= sizeof address.sun_path) {
    return base::failure(
        Code::kInvalidArgument,
        fmt::format("the socket path {} is longer than {} bytes: use a shorter session name or XDG_RUNTIME_DIR", path,
                    sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  unlink(path.c_str());  // of a dead raylet: we hold the lock
  listener_ = base::File(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_) base::throw_errno("socket");
  if (bind(listener_.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), kBacklog) != 0) {
    return base::failure(Code::kInvalidArgument, fmt::format("cannot listen on {}: {}", path, std::strerror(errno)));
  }
  return nullptr;
}

Status SessionFolder::create(const std::string &session, std::unique_ptr<SessionFolder> *folder) {
  std::string sessions;
  if (Status status = wire::sessions_folder(&sessions)) return status;
  std::unique_ptr<SessionFolder> created(new SessionFolder);
  if (Status status = created->claim(session)) return status;
  if (Status status = created->listen()) return status;
  sweep(sessions);
  *folder = std::move(created);
  return nullptr;
}

SessionFolder::~SessionFolder() {
  if (lock_) remove_folder(path_);
}

}  // namespace mobula::raylet
