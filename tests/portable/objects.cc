// Put and Get of single objects and many, by reference and by id; what a reference is.
#include <ray/api.h>

#include <cstdint>
#include <limits>

std::vector<int> numbers(const std::vector<std::shared_ptr<int>> &values) {
  std::vector<int> result;
  for (const auto &value : values) result.push_back(*value);
  return result;
}

void print(const std::string &what, const std::vector<int> &values) {
  std::cout << what << ":";
  for (int value : values) std::cout << " " << value;
  std::cout << "\n";
}

void show_values() {
  std::cout << *ray::Get(ray::Put(-7)) << " " << *ray::Get(ray::Put(2.5)) << " " << *ray::Get(ray::Put(true)) << "\n";
  std::cout << *ray::Get(ray::Put(std::string("words"))) << " " << ray::Get(ray::Put(std::string()))->size() << "\n";
  std::cout << *ray::Get(ray::Put(std::numeric_limits<std::int64_t>::min())) << "\n";
  // Values of 9 bytes and more, which look like another language's to an unedited Ray 2.60.
  std::cout << *ray::Get(ray::Put(std::numeric_limits<std::uint64_t>::max())) << "\n";
  std::cout << *ray::Get(ray::Put(std::uint64_t{1} << 40)) << "\n";
  const std::vector<double> large(1 << 17, 1.5);  // 1 MiB
  std::cout << (*ray::Get(ray::Put(large)) == large) << "\n";
  const std::map<std::string, std::vector<int>> nested = {{"odd", {1, 3}}, {"even", {2, 4}}, {"none", {}}};
  std::cout << (*ray::Get(ray::Put(nested)) == nested) << "\n";
}

void show_references() {
  ray::ObjectRef<int> first = ray::Put(1);
  ray::ObjectRef<int> copy = first;
  std::cout << "a copy is equal: " << (copy == first) << ", another is: " << (ray::Put(1) == first) << "\n";
  std::cout << "an empty reference has an empty id: " << ray::ObjectRef<int>().ID().empty() << "\n";
  ray::ObjectRef<int> moved = std::move(copy);
  std::cout << "moved: " << *moved.Get() << "\n";
  ray::ObjectRef<int> assigned;
  assigned = moved;
  assigned = *&assigned;
  std::cout << "assigned: " << *assigned.Get() << "\n";
  ray::ObjectRef<int> by_id(first.ID());
  std::cout << "by id: " << *by_id.Get() << ", equal: " << (by_id == first) << "\n";
  first = ray::Put(2);
  std::cout << "after a new value: " << *first.Get() << ", the old one: " << *by_id.Get() << "\n";
  std::cout << "kind: " << ray::ObjectRef<int>::IsObjectRef() << ray::ObjectRef<void>::IsObjectRef() << "\n";
}

void show_many() {
  std::vector<ray::ObjectRef<int>> objects;
  for (int i = 0; i < 5; ++i) objects.push_back(ray::Put(i * i));
  print("by references", numbers(ray::Get(objects)));
  print("with a time limit", numbers(ray::Get(objects, 10'000)));
  const std::vector<std::string> ids = ray::ObjectRefsToObjectIDs<int>(objects);
  print("by ids", numbers(ray::Get<int>(ids)));
  print("by ids, with a time limit", numbers(ray::Get<int>(ids, 10'000)));
  std::cout << "ids: " << ids.size() << ", each of its object: " << (ids[3] == objects[3].ID()) << "\n";
  std::cout << "of none: " << ray::Get(std::vector<ray::ObjectRef<int>>()).size() << "\n";
  std::cout << "single, with a time limit: " << *ray::Get(objects[4], 10'000) << " " << *objects[2].Get(10'000) << "\n";
}

int main() {
  ray::Init();
  show_values();
  show_references();
  show_many();
  ray::Shutdown();
}
