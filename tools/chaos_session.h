// tools/chaos_session.h: the session of a chaos run, and who in it may be killed.
//   Threads    one thread
//   Process    the caller becomes the reaper of orphans, so that the raylet is a child of it
//   Ownership  the destructor ends the session, if need be by SIGKILL, and every other descendant
//   Errors     a Status when it cannot be started
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "segment/segment.h"
#include "tools/start.h"
#include "tools/strike_plan.h"

namespace mobula::tools {

class ChaosSession {
 public:
  ChaosSession() = default;
  ChaosSession(const ChaosSession &) = delete;
  ChaosSession &operator=(const ChaosSession &) = delete;
  ~ChaosSession();

  Status start(const StartOptions &options);

  const std::string &name() const { return name_; }
  int raylet_pid() const { return raylet_pid_; }
  // Readable once the raylet has ended.
  int raylet_pidfd() const { return raylet_.get(); }
  const segment::Segment &segment() const { return *segment_; }

  // The process that the strike is for, if there is one; stopped ones are not stopped twice.
  std::optional<base::File> choose(const Strike &strike) const;
  // Kills all descendants but the raylet and its own, and collects them.
  void kill_others();
  // Collects orphans that have ended. `spared`: a child that somebody else collects.
  void collect_orphans(int spared) const;
  // In order; by SIGKILL when the raylet does not answer.
  void stop();

 private:
  std::string name_;
  int raylet_pid_ = 0;
  base::File raylet_;
  std::unique_ptr<segment::Segment> segment_;
};

}  // namespace mobula::tools
