#include "micro/operations.h"

namespace bench::micro {

std::vector<Operation> all_operations() {
  std::vector<Operation> all;
  for (const auto part : {atomic_operations, reference_operations, decision_operations, session_operations}) {
    for (Operation &operation : part()) all.push_back(std::move(operation));
  }
  return all;
}

}  // namespace bench::micro
