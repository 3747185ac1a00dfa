// Names of ray::internal that programs and tests of others use: the function manager and the serializer.
#include <ray/api.h>

using namespace ray::internal;

int plus(int left, int right) { return left + right; }
class Thing {
 public:
  static Thing *Create() { return new Thing; }
  int Method(int value) { return value; }
};
RAY_REMOTE(plus, Thing::Create, &Thing::Method);

int main() {
  std::cout << std::boolalpha;
  FunctionManager &manager = FunctionManager::Instance();
  std::cout << manager.GetFunctionName(plus) << " " << manager.GetFunctionName(Thing::Create) << " "
            << manager.GetFunctionName(&Thing::Method) << "\n";
  std::cout << "known: " << (manager.GetFunction("plus") != nullptr) << (manager.GetFunction("minus") != nullptr)
            << (manager.GetMemberFunction("&Thing::Method") != nullptr) << "\n";
  std::cout << "class: " << FunctionManager::GetClassNameByFuncName("Thing::Create") << " "
            << FunctionManager::GetClassNameByFuncName("RAY_FUNC(Thing::Create, int)") << " '"
            << FunctionManager::GetClassNameByFuncName("plus") << "'\n";
  try {
    manager.RegisterRemoteFunction("plus", plus);
    std::cout << "registered twice\n";
  } catch (const RayException &error) {
    std::cout << error.what() << "\n";
  }

  msgpack::sbuffer packed = Serializer::Serialize(std::string("text"));
  std::cout << Serializer::Deserialize<std::string>(packed.data(), packed.size()) << " " << packed.size() << " "
            << Serializer::HasError(packed.data(), packed.size()) << "\n";
  std::cout << Serializer::DeserializeWhenNil<std::string>(packed.data(), packed.size()).first << "\n";
  msgpack::sbuffer nil = Serializer::Serialize(msgpack::type::nil_t());
  std::cout << nil.size() << " " << Serializer::DeserializeWhenNil<int>(nil.data(), nil.size()).first << " "
            << Serializer::HasError(nil.data(), nil.size()) << "\n";
  msgpack::sbuffer number = Serializer::Serialize(7);
  std::cout << Serializer::IsXLang(number.data(), number.size()) << "\n";
}
