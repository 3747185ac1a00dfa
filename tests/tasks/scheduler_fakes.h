// tests/tasks/scheduler_fakes.h: tasks, workers and messages of the small world in scheduler_world.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>

#include "tasks/scheduler.h"

namespace mobula::tasks::testing {

using Kind = Decision::Kind;

enum class Claim { kIdle, kOffered, kRunning };

struct FakeTask {
  JobNumber job = 0;
  TemplateNumber home = 0;
  int depth = 0;  // how many levels of tasks it submits and waits for
  Claim claim = Claim::kIdle;
  WorkerNumber claimant = 0;
  TaskNumber child = 0;
  bool settled = false;   // its result word
  int runs_finished = 0;  // how often a worker wrote the result
  int ended = 0;          // how often the raylet saw its end
};

struct Message {
  enum class Kind { kSubmit, kBlocked, kUnblocked, kDone } kind;
  TaskNumber task;
};

struct FakeWorker {
  TemplateNumber home = 0;
  std::deque<TaskNumber> ring;
  TaskNumber running = 0;
  bool waiting = false;
  std::deque<Message> messages;
  // What the raylet knows.
  std::set<TaskNumber> given;
  bool known_blocked = false;

  // The raylet has not read yet that it submits this task.
  bool will_submit(TaskNumber task) const {
    return std::any_of(messages.begin(), messages.end(), [&](const Message &message) {
      return message.kind == Message::Kind::kSubmit && message.task == task;
    });
  }
};

// What happened in a world.
struct WorldFigures {
  std::size_t busy_max = 0;  // just after an offer to an idle worker
  std::size_t workers_max = 0;
  std::size_t take_backs_won = 0;
  std::size_t take_backs_lost = 0;
  std::size_t deaths_with_tasks = 0;
  std::size_t given_up = 0;
};

}  // namespace mobula::tasks::testing
