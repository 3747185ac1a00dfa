// Placement groups on one node.
#include <ray/api.h>

int pass(int value) { return value; }
class Holder {
 public:
  static Holder *Create() { return new Holder; }
  int Value() { return 3; }
};
RAY_REMOTE(pass, Holder::Create, &Holder::Value);

int main() {
  std::cout << std::boolalpha;
  ray::RayConfig config;
  config.head_args = {"--num-cpus", "4"};
  ray::Init(config);
  ray::PlacementGroupCreationOptions options{"pair", {{{"CPU", 1.0}}, {{"CPU", 1.0}}}, ray::PlacementStrategy::PACK};
  ray::PlacementGroup group = ray::CreatePlacementGroup(options);
  std::cout << "created: " << group.Wait(20) << "\n";
  std::cout << group.GetName() << " " << group.GetBundles().size() << " " << group.GetBundles()[0]["CPU"] << " "
            << (group.GetStrategy() == ray::PlacementStrategy::PACK) << " " << group.Empty() << " "
            << group.GetID().empty() << "\n";
  std::cout << *ray::Task(pass).SetPlacementGroup(group, 0).SetResource("CPU", 1).Remote(1).Get() << " "
            << *ray::Task(pass).SetPlacementGroup(group, 1).SetResource("CPU", 1).Remote(2).Get() << "\n";
  auto holder = ray::Actor(Holder::Create).SetPlacementGroup(group, 0).SetResource("CPU", 1).Remote();
  std::cout << *holder.Task(&Holder::Value).Remote().Get() << "\n";

  ray::PlacementGroup by_id = ray::GetPlacementGroupById(group.GetID());
  ray::PlacementGroup by_name = ray::GetPlacementGroup("pair");
  std::cout << "by id: " << by_id.GetName() << " " << (by_id.GetState() == ray::PlacementGroupState::CREATED)
            << ", by name: " << (by_name.GetID() == group.GetID()) << "\n";
  std::cout << "nobody: " << ray::GetPlacementGroup("nobody").Empty() << ray::PlacementGroup().Empty() << "\n";
  try {
    ray::CreatePlacementGroup(options);
    std::cout << "a second one of that name\n";
  } catch (const ray::internal::RayException &) {
    std::cout << "one of that name is there: RayException\n";
  }
  holder.Kill();
  ray::RemovePlacementGroup(group.GetID());
  ray::RemovePlacementGroup(group.GetID());
  std::cout << "removed: "
            << (ray::GetPlacementGroupById(group.GetID()).GetState() == ray::PlacementGroupState::REMOVED) << "\n";
  std::cout << "strategies: " << static_cast<int>(ray::PlacementStrategy::PACK)
            << static_cast<int>(ray::PlacementStrategy::SPREAD) << static_cast<int>(ray::PlacementStrategy::STRICT_PACK)
            << static_cast<int>(ray::PlacementStrategy::STRICT_SPREAD)
            << static_cast<int>(ray::PlacementStrategy::UNRECOGNIZED) << ", states: " << ray::PENDING << ray::PREPARED
            << ray::CREATED << ray::REMOVED << ray::RESCHEDULING << "\n";
  ray::Shutdown();
}
