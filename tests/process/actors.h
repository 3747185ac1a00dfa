// process/actors.h: the actors that the cases of actors make.
#pragma once

#include <mobula/retention.h>

#include "process/session_case.h"

namespace mobula::process {

struct Named {
  virtual ~Named() = default;
  virtual int Kind() { return 1; }
  int Same() { return 11; }
};
struct Marked {
  virtual ~Marked() = default;
  int Mark() { return mark; }
  int mark = 42;
};

// Counts, knows its fellows, and can end in every way.
class Counter : public Named, public Marked {
 public:
  static Counter *Make(int start) { return new Counter(start); }
  // Appends to a file when it is made and when it ends, so that both can be counted.
  static Counter *MakeNoted(std::string path) {
    auto *const made = new Counter(0);
    made->path_ = path;
    std::ofstream(path, std::ios::app) << 'm';
    return made;
  }
  static Counter *MakeSlowly(int ms) {
    ::usleep(static_cast<useconds_t>(ms) * 1'000);
    return new Counter(0);
  }
  static Counter *MakeThrowing() { throw std::invalid_argument("no such counter"); }
  ~Counter() override {
    if (!path_.empty()) std::ofstream(path_, std::ios::app) << 'e';
  }

  int Kind() override { return 2; }
  int Add(int amount) { return count_ += amount; }
  int Get() const { return count_; }
  int Pid() { return ::getpid(); }
  bool IsRestarted() { return ray::WasCurrentActorRestarted(); }
  int Exit() {
    ray::ExitActor();
    return 0;
  }
  int Die(int signal) {
    ::kill(::getpid(), signal);
    return 0;
  }
  int Sleep(int ms) {
    ::usleep(static_cast<useconds_t>(ms) * 1'000);
    return ms;
  }
  void Befriend(ray::ActorHandle<Counter> other) { friends_.push_back(other); }
  int AskFriend() { return *friends_.at(0).Task(&Counter::Get).Remote().Get(); }
  ray::ActorHandle<Counter> Friend() { return friends_.at(0); }
  void Throw() { throw std::runtime_error("thrown by a method"); }

 private:
  explicit Counter(int start) : count_(start) {}

  int count_;
  std::string path_;
  std::vector<ray::ActorHandle<Counter>> friends_;
};

// What `call` throws: its class and text, "" for nothing.
template <typename Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const ray::internal::RayActorException &error) {
    return std::string("actor: ") + error.what();
  } catch (const ray::internal::RayTaskException &error) {
    return std::string("task: ") + error.what();
  } catch (const ray::internal::RayException &error) {
    return std::string("other: ") + error.what();
  }
  return "";
}

// Living actors, as `mobula status` counts them.
inline std::uint64_t actors_alive() { return number_after(status_of(own_session()), "actors"); }

inline std::string file_text(const std::string &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace mobula::process
