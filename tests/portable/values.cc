// Types as values, arguments and results: structs, enums, containers, std::any.
#include <ray/api.h>

#include <any>
#include <cstdint>
#include <optional>
#include <set>

enum class Color { kRed = 1, kBlue = 4 };
MSGPACK_ADD_ENUM(Color);

struct Point {
  int x = 0;
  double y = 0;
  MSGPACK_DEFINE(x, y)
};

struct Shape {
  std::string name;
  std::vector<Point> corners;
  std::map<std::string, int> counts;
  Color color = Color::kRed;
  MSGPACK_DEFINE(name, corners, counts, color)
};

struct ByName {
  int first = 0;
  std::string second;
  MSGPACK_DEFINE_MAP(first, second)
};

Shape grow(Shape shape, const Point &corner) {
  shape.corners.push_back(corner);
  shape.counts[shape.name] += 1;
  shape.color = Color::kBlue;
  return shape;
}
ByName swap(ByName value) { return {static_cast<int>(value.second.size()), std::to_string(value.first)}; }
std::tuple<int, std::string, bool> three(std::pair<int, std::string> pair) {
  return {pair.first, pair.second, !pair.second.empty()};
}
std::array<int, 3> turn(std::array<int, 3> values) { return {values[2], values[0], values[1]}; }
std::set<int> unique(std::vector<int> values) { return std::set<int>(values.begin(), values.end()); }
std::unordered_map<int, std::string> names(std::list<int> numbers) {
  std::unordered_map<int, std::string> result;
  for (int number : numbers) result[number] = std::to_string(number);
  return result;
}
std::vector<bool> bits(int value) { return {(value & 1) != 0, (value & 2) != 0, (value & 4) != 0}; }
std::vector<char> bytes(std::vector<unsigned char> values) { return std::vector<char>(values.begin(), values.end()); }
std::any pick(int which) {
  if (which == 0) return true;
  if (which == 1) return std::uint64_t{7};
  if (which == 2) return std::int64_t{-7};
  if (which == 3) return 1.5;
  return std::string("text");
}
std::string type_of(std::any value) { return value.type() == typeid(std::string) ? "a string" : "something else"; }
std::shared_ptr<int> shared(int value) { return std::make_shared<int>(value); }
std::vector<std::vector<std::string>> table(int rows) {
  return std::vector<std::vector<std::string>>(rows, {"a", "b"});
}

RAY_REMOTE(grow, swap, three, turn, unique, names, bits, bytes, pick, type_of, shared, table);

void show_structs() {
  Shape shape{"triangle", {{1, 0.5}}, {{"triangle", 2}}, Color::kRed};
  const auto grown = ray::Task(grow).Remote(shape, Point{3, 0.25}).Get();
  std::cout << grown->name << " " << grown->corners.size() << " " << grown->corners[1].x << " " << grown->corners[1].y
            << " " << grown->counts["triangle"] << " " << static_cast<int>(grown->color) << "\n";
  const auto kept = ray::Get(ray::Put(shape));
  std::cout << kept->name << " " << kept->corners[0].y << "\n";
  const auto by_reference = ray::Task(grow).Remote(ray::Put(shape), ray::Put(Point{9, 9})).Get();
  std::cout << by_reference->corners.back().x << "\n";
  const auto swapped = ray::Task(swap).Remote(ByName{12, "four"}).Get();
  std::cout << swapped->first << " " << swapped->second << "\n";
}

void show_containers() {
  const auto tuple = ray::Task(three).Remote(std::make_pair(2, std::string("pair"))).Get();
  std::cout << std::get<0>(*tuple) << " " << std::get<1>(*tuple) << " " << std::get<2>(*tuple) << "\n";
  std::cout << (*ray::Task(turn).Remote(std::array<int, 3>{1, 2, 3}).Get())[0] << "\n";
  std::cout << ray::Task(unique).Remote(std::vector<int>{1, 2, 2, 3, 3}).Get()->size() << "\n";
  std::cout << (*ray::Task(names).Remote(std::list<int>{10, 11}).Get())[11] << "\n";
  const auto set_bits = ray::Task(bits).Remote(5).Get();
  std::cout << (*set_bits)[0] << (*set_bits)[1] << (*set_bits)[2] << "\n";
  const auto letters = ray::Task(bytes).Remote(std::vector<unsigned char>{'h', 'i'}).Get();
  std::cout << std::string(letters->begin(), letters->end()) << "\n";
  std::cout << **ray::Task(shared).Remote(8).Get() << "\n";
  std::cout << ray::Task(table).Remote(3).Get()->size() << "\n";
}

void show_any() {
  std::cout << std::any_cast<bool>(*ray::Task(pick).Remote(0).Get()) << " "
            << std::any_cast<std::uint64_t>(*ray::Task(pick).Remote(1).Get()) << " "
            << std::any_cast<std::int64_t>(*ray::Task(pick).Remote(2).Get()) << " "
            << std::any_cast<double>(*ray::Task(pick).Remote(3).Get()) << " "
            << std::any_cast<std::string>(*ray::Task(pick).Remote(4).Get()) << "\n";
  std::cout << *ray::Task(type_of).Remote(std::any(std::string("x"))).Get() << "\n";
}

int main() {
  ray::Init();
  show_structs();
  show_containers();
  show_any();
  ray::Shutdown();
}
