#include "raylet/session_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "wire/socket.h"

namespace mobula::raylet {
namespace {

constexpr int kBacklog = 128;
constexpr int kClaimTries = 8;
constexpr int kHolderSecondsMax = 2;  // for the name's holder to answer, and for one that was killed to be gone

std::string lock_path(const std::string &folder) { return folder + "/lock"; }

// An open, locked lock file, or nothing when a living raylet has it.
base::File try_lock(const std::string &folder, int flags) {
  base::File lock(open(lock_path(folder).c_str(), flags | O_RDWR | O_CLOEXEC, 0600));
  if (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) lock.reset();
  return lock;
}

void write_pid(const base::File &lock) {
  const std::string pid = std::to_string(getpid());
  static_cast<void>(!(ftruncate(lock.get(), 0) == 0 && pwrite(lock.get(), pid.data(), pid.size(), 0) > 0));
}

// A raylet that was killed holds its lock until the kernel has taken its memory apart; it does not answer any more.
bool holder_answers(const std::string &folder) {
  base::File socket;
  if (wire::connect_to_path(wire::socket_path(folder), &socket) != nullptr) return false;
  const timeval limit{kHolderSecondsMax, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  wire::StatusReply reply;
  return wire::ask(socket.get(), wire::StatusRequest{}, &reply) == nullptr;
}

// False: it lives on.
bool await_end_of_holder(const std::string &folder) {
  const base::File lock(open(lock_path(folder).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 16> text{};
  if (!lock) return errno == ENOENT;
  if (pread(lock.get(), text.data(), text.size() - 1, 0) <= 0) return false;
  const base::File pidfd(static_cast<int>(syscall(SYS_pidfd_open, std::atoi(text.data()), 0)));
  if (!pidfd) return errno == ESRCH;
  pollfd end{pidfd.get(), POLLIN, 0};
  return poll(&end, 1, kHolderSecondsMax * 1000) == 1;
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

// Starts that claim and sweep take turns: no claim finds its lock in the hands of a sweep that only looks whether the
// folder is a dead raylet's. Held for a few file operations, and by none that wait.
base::File take_turn(const std::string &sessions) {
  base::File turn(open(sessions.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!turn || flock(turn.get(), LOCK_EX) != 0) base::throw_errno("flock of the folder of the sessions");
  return turn;
}

// What raylets left that were killed: their locks are free.
void sweep(const std::string &sessions) {
  const base::File turn = take_turn(sessions);
  std::error_code code;
  for (const auto &folder : std::filesystem::directory_iterator(sessions, code)) {
    const base::File lock = try_lock(folder.path().string(), 0);
    if (lock) remove_folder(folder.path().string());
  }
}

}  // namespace

std::string SessionFolder::socket_path() const { return wire::socket_path(path_); }

Status SessionFolder::try_claim() {
  if (mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST) {
    return base::failure(Code::kInvalidArgument, fmt::format("cannot create {}: {}", path_, std::strerror(errno)));
  }
  base::File lock = try_lock(path_, O_CREAT);
  if (!lock && errno != EWOULDBLOCK && errno != ENOENT) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("cannot lock {}: {}", lock_path(path_), std::strerror(errno)));
  }
  // A raylet of this name that ends may have removed the folder since mkdir.
  if (lock && is_same_file(lock, lock_path(path_))) {
    write_pid(lock);
    lock_ = std::move(lock);
  }
  return nullptr;
}

Status SessionFolder::claim(const std::string &session) {
  std::string sessions;
  if (Status status = wire::sessions_folder(&sessions)) return status;
  if (Status status = wire::session_folder(session, &path_)) return status;
  for (int i = 0; i < kClaimTries; ++i) {
    base::File turn = take_turn(sessions);
    if (Status status = try_claim()) return status;
    if (lock_) return nullptr;
    turn.reset();
    if (!holder_answers(path_) && await_end_of_holder(path_)) continue;
    return base::failure(
        Code::kInvalidArgument,
        fmt::format("session '{}' is running: end it with: mobula stop --session {}", session, session));
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
