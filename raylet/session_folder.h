// raylet/session_folder.h: the folder of a session: its socket, its lock, its log.
//   Process    raylet-only
//   Crash      the lock dies with the raylet: what a dead one left is swept by the next start of any session.
//              A start waits for the end of one of its name that was killed and is not gone yet
//              Starts take turns by a lock on the folder of all sessions
//   Errors     kInvalidArgument when the name is in use, or the folder cannot be made
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace mobula::raylet {

class SessionFolder {
 public:
  // Claims the name and listens on its socket.
  static Status create(const std::string &session, std::unique_ptr<SessionFolder> *folder);
  // Removes socket, lock and folder.
  ~SessionFolder();

  base::File take_listener() { return std::move(listener_); }
  const std::string &path() const { return path_; }
  std::string socket_path() const;
  std::string log_path() const { return path_ + "/raylet.log"; }

 private:
  SessionFolder() = default;
  Status claim(const std::string &session);
  // Leaves lock_ empty when another has the name.
  Status try_claim();
  Status listen();

  std::string path_;
  base::File lock_;
  base::File listener_;
};

}  // namespace mobula::raylet
