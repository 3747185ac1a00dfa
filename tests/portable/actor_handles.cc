// Handles of actors as values, arguments of tasks and methods, results and members.
#include <ray/api.h>

class Log {
 public:
  static Log *Create() { return new Log; }
  int Write(std::string line) {
    lines_.push_back(std::move(line));
    return static_cast<int>(lines_.size());
  }
  std::vector<std::string> Lines() { return lines_; }

 private:
  std::vector<std::string> lines_;
};
RAY_REMOTE(Log::Create, &Log::Write, &Log::Lines);

int write_by_task(ray::ActorHandle<Log> log, std::string line) { return *log.Task(&Log::Write).Remote(line).Get(); }
RAY_REMOTE(write_by_task);

class Writer {
 public:
  explicit Writer(ray::ActorHandle<Log> log) : log_(log) {}
  static Writer *Create(ray::ActorHandle<Log> log) { return new Writer(log); }
  static Writer *CreateEmpty() { return new Writer(ray::ActorHandle<Log>()); }
  int Write(std::string line) { return *log_.Task(&Log::Write).Remote(line).Get(); }
  bool Use(ray::ActorHandle<Log> log) {
    log_ = log;
    return !log_.ID().empty();
  }
  ray::ActorHandle<Log> Handle() { return log_; }

 private:
  ray::ActorHandle<Log> log_;
};
RAY_REMOTE(Writer::Create, Writer::CreateEmpty, &Writer::Write, &Writer::Use, &Writer::Handle);

int main() {
  ray::Init();
  ray::ActorHandle<Log> log = ray::Actor(Log::Create).Remote();
  std::cout << "kind: " << ray::ActorHandle<Log>::IsActorHandle() << ", empty: " << ray::ActorHandle<Log>().ID().empty()
            << ", not: " << log.ID().empty() << "\n";
  ray::ActorHandle<Log> copy = log;
  std::cout << "a copy is the same actor: " << (copy.ID() == log.ID()) << "\n";
  std::cout << "by the copy: " << *copy.Task(&Log::Write).Remote("copy").Get() << "\n";
  std::cout << "by a task: " << *ray::Task(write_by_task).Remote(log, std::string("task")).Get() << "\n";

  ray::ActorHandle<Writer> writer = ray::Actor(Writer::Create).Remote(log);
  std::cout << "by a member: " << *writer.Task(&Writer::Write).Remote("member").Get() << "\n";
  ray::ActorHandle<Writer> empty = ray::Actor(Writer::CreateEmpty).Remote();
  std::cout << "given to a method: " << *empty.Task(&Writer::Use).Remote(log).Get() << " "
            << *empty.Task(&Writer::Write).Remote("method").Get() << "\n";
  std::shared_ptr<ray::ActorHandle<Log>> result = writer.Task(&Writer::Handle).Remote().Get();
  std::cout << "a result is the same actor: " << (result->ID() == log.ID()) << "\n";
  std::cout << "by the result: " << *result->Task(&Log::Write).Remote("result").Get() << "\n";

  const auto lines = log.Task(&Log::Lines).Remote().Get();
  for (const std::string &line : *lines) std::cout << line << "\n";
  ray::Shutdown();
}
