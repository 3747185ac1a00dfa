// Actors: factories, methods of every form, state, order of calls.
#include <ray/api.h>

class Base {
 public:
  int Inherited(int value) { return value + base_; }
  virtual ~Base() = default;
  virtual std::string Kind() { return "base"; }

 protected:
  int base_ = 100;
};

class Counter : public Base {
 public:
  explicit Counter(int start) : count_(start) {}
  static Counter *FactoryCreate() { return new Counter(0); }
  static Counter *FactoryCreate(int start) { return new Counter(start); }
  static Counter *FactoryCreate(int start, int step) {
    auto *counter = new Counter(start);
    counter->step_ = step;
    return counter;
  }
  int Add(int value) { return count_ += value; }
  int Step() { return count_ += step_; }
  int Get() const { return count_; }
  void Reset() { count_ = 0; }
  int Over(int value) { return value; }
  std::string Over(std::string text) { return text + "!"; }
  std::size_t Count(const std::vector<int> &values) { return values.size(); }
  std::string Kind() override { return "counter"; }
  void Note(int value) { notes_.push_back(value); }
  std::vector<int> Notes() { return notes_; }

 private:
  int count_;
  int step_ = 1;
  std::vector<int> notes_;
};

Counter *make_counter(std::string digits) { return new Counter(std::stoi(digits)); }

RAY_REMOTE(RAY_FUNC(Counter::FactoryCreate), RAY_FUNC(Counter::FactoryCreate, int),
           RAY_FUNC(Counter::FactoryCreate, int, int), make_counter);
RAY_REMOTE(&Counter::Add, &Counter::Step, &Counter::Get, &Counter::Reset, &Counter::Count, &Counter::Kind);
RAY_REMOTE(RAY_FUNC(&Counter::Over, int), RAY_FUNC(&Counter::Over, std::string), &Base::Inherited, &Counter::Note,
           &Counter::Notes);

void show_factories() {
  auto zero = ray::Actor(RAY_FUNC(Counter::FactoryCreate)).Remote();
  auto five = ray::Actor(RAY_FUNC(Counter::FactoryCreate, int)).Remote(5);
  auto steps = ray::Actor(RAY_FUNC(Counter::FactoryCreate, int, int)).Remote(5, 10);
  auto text = ray::Actor(make_counter).Remote("70");
  auto by_reference = ray::Actor(RAY_FUNC(Counter::FactoryCreate, int)).Remote(ray::Put(8));
  std::cout << *zero.Task(&Counter::Get).Remote().Get() << " " << *five.Task(&Counter::Get).Remote().Get() << " "
            << *steps.Task(&Counter::Step).Remote().Get() << " " << *text.Task(&Counter::Get).Remote().Get() << " "
            << *by_reference.Task(&Counter::Get).Remote().Get() << "\n";
}

void show_methods(ray::ActorHandle<Counter> &counter) {
  std::cout << *counter.Task(&Counter::Add).Remote(3).Get() << " " << *counter.Task(&Counter::Add).Remote(4).Get()
            << "\n";
  counter.Task(&Counter::Reset).Remote().Get();
  std::cout << *counter.Task(&Counter::Get).Remote().Get() << "\n";
  std::cout << *counter.Task(RAY_FUNC(&Counter::Over, int)).Remote(1).Get() << " "
            << *counter.Task(RAY_FUNC(&Counter::Over, std::string)).Remote("one").Get() << "\n";
  std::cout << *counter.Task(&Base::Inherited).Remote(1).Get() << " " << *counter.Task(&Counter::Kind).Remote().Get()
            << "\n";
  std::cout << *counter.Task(&Counter::Count).Remote(std::vector<int>{1, 2}).Get() << " "
            << *counter.Task(&Counter::Count).Remote(ray::Put(std::vector<int>{1, 2, 3})).Get() << "\n";
  std::cout << *counter.Task(&Counter::Add).SetName("named call").Remote(ray::Put(9)).Get() << "\n";
}

void show_order(ray::ActorHandle<Counter> &counter) {
  for (int i = 0; i < 100; ++i) counter.Task(&Counter::Note).Remote(i);
  const auto notes = counter.Task(&Counter::Notes).Remote().Get();
  std::cout << "in order: " << notes->size() << " " << std::is_sorted(notes->begin(), notes->end()) << "\n";
  std::vector<ray::ObjectRef<int>> results;
  for (int i = 0; i < 50; ++i) results.push_back(counter.Task(&Counter::Add).Remote(1));
  const auto values = ray::Get(results);
  std::cout << "results: " << *values.front() << " to " << *values.back() << "\n";
}

int main() {
  ray::Init();
  show_factories();
  auto counter = ray::Actor(RAY_FUNC(Counter::FactoryCreate, int)).Remote(0);
  show_methods(counter);
  show_order(counter);
  ray::Shutdown();
}
