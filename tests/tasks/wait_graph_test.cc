#include "tasks/wait_graph.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

using namespace mobula::tasks;

namespace {

using Graph = std::map<TaskNumber, std::vector<Wait>>;

Wait all_of(std::vector<TaskNumber> tasks, WaitReason reason = WaitReason::kResult) {
  const std::size_t count = tasks.size();
  return {.reason = reason, .tasks = std::move(tasks), .needed = count};
}
Wait some_of(std::size_t needed, std::vector<TaskNumber> tasks) {
  return {.reason = WaitReason::kResult, .tasks = std::move(tasks), .needed = needed};
}

std::vector<WaitStep> cycle_of(const Graph &graph, TaskNumber start) {
  return WaitGraph([&graph](TaskNumber task) {
           const auto found = graph.find(task);
           return found == graph.end() ? std::vector<Wait>{} : found->second;
         })
      .cycle_of(start);
}

std::vector<TaskNumber> tasks_of(const std::vector<WaitStep> &steps) {
  std::vector<TaskNumber> tasks;
  for (const WaitStep &step : steps) tasks.push_back(step.task);
  return tasks;
}

// All that can go on do, until nothing changes: who is left is stuck.
std::set<TaskNumber> left_over(const Graph &graph) {
  std::set<TaskNumber> left;
  for (const auto &[task, waits] : graph) left.insert(task);
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto &[task, waits] : graph) {
      bool goes_on = left.contains(task);
      for (const Wait &wait : waits) {
        std::size_t ended = 0;
        for (const TaskNumber other : wait.tasks) ended += left.contains(other) ? 0 : 1;
        goes_on = goes_on && ended >= wait.needed;
      }
      if (goes_on) left.erase(task);
      changed |= goes_on;
    }
  }
  return left;
}

}  // namespace

TEST_SUITE("tasks/wait_graph") {
  TEST_CASE("tasks that wait for each other are found, with why each of them waits") {
    const Graph graph{{1, {all_of({2})}}, {2, {all_of({3}, WaitReason::kQueue)}}, {3, {all_of({4, 1})}}};
    const std::vector<WaitStep> cycle = cycle_of(graph, 1);
    CHECK(cycle == std::vector<WaitStep>{{1, WaitReason::kResult}, {2, WaitReason::kQueue}, {3, WaitReason::kResult}});
    const auto describe = [](TaskNumber task) {
      return task == 1 ? "task f (pid 12)" : task == 2 ? "actor call A.g" : "A.h (pid 13)";
    };
    CHECK(
        deadlock_text(cycle, describe) ==
        "deadlock: task f (pid 12) waits for the result of actor call A.g, which is queued behind A.h (pid 13), which "
        "waits for the result of task f (pid 12)");
  }

  TEST_CASE("a task that waits for itself is a chain of one") {
    const Graph graph{{1, {all_of({1})}}};
    CHECK(cycle_of(graph, 1).size() == 1);
    CHECK(deadlock_text(cycle_of(graph, 1), [](TaskNumber) { return "task f"; }) ==
          "deadlock: task f waits for the result of task f");
  }

  TEST_CASE("what ends some day is no deadlock") {
    CHECK(cycle_of({}, 1).empty());
    CHECK(cycle_of({{1, {all_of({2, 3})}}, {2, {all_of({4})}}, {3, {all_of({4})}}}, 1).empty());
    CHECK(cycle_of({{1, {some_of(1, {2, 3})}}, {2, {all_of({1})}}}, 1).empty());
    CHECK(cycle_of({{1, {some_of(2, {2, 3, 4})}}, {2, {all_of({1})}}}, 1).empty());
  }

  TEST_CASE("of several each has to be stuck when one would do, one when all are needed") {
    CHECK(tasks_of(cycle_of({{1, {some_of(1, {2, 3})}}, {2, {all_of({1})}}, {3, {all_of({2})}}}, 1)) ==
          std::vector<TaskNumber>{1, 3, 2});
    CHECK(cycle_of({{1, {some_of(2, {2, 3, 4})}}, {2, {all_of({1})}}, {3, {all_of({1})}}}, 1).size() == 2);
    CHECK(tasks_of(cycle_of({{1, {all_of({5}), all_of({2})}}, {2, {all_of({1})}}}, 1)) ==
          std::vector<TaskNumber>{1, 2});
  }

  TEST_CASE("a cycle without the task is not its cycle") {
    CHECK(cycle_of({{1, {all_of({2})}}, {2, {all_of({3})}}, {3, {all_of({2})}}}, 1).empty());
    // A dead end that leads back is forgotten when the wait that led there is met otherwise.
    const Graph graph{
        {1, {all_of({2})}}, {2, {some_of(1, {3, 9}), all_of({4})}}, {3, {all_of({1})}}, {4, {all_of({2})}}};
    CHECK(cycle_of(graph, 1).empty());
  }

  TEST_CASE("a chain beyond the limit is not judged") {
    Graph graph;
    for (TaskNumber task = 1; task < kWaitStepsMax; ++task) graph[task] = {all_of({task + 1})};
    graph[kWaitStepsMax] = {all_of({1})};
    CHECK(cycle_of(graph, 1).size() == kWaitStepsMax);
    graph[kWaitStepsMax] = {all_of({kWaitStepsMax + 1})};
    graph[kWaitStepsMax + 1] = {all_of({1})};
    CHECK(cycle_of(graph, 1).empty());
  }

  TEST_CASE(
      "random graphs: who has a chain never goes on, and who never goes on has one if only one is blocked there") {
    std::mt19937_64 random(9);
    int wrong = 0;
    int found = 0;
    for (int round = 0; round < 20'000; ++round) {
      Graph graph;
      const std::uint64_t count = 2 + random() % 7;
      for (TaskNumber task = 1; task <= count; ++task) {
        graph[task] = {};
        if (random() % 4 == 0) continue;
        std::set<TaskNumber> others;
        for (std::uint64_t i = 0; i <= random() % 3; ++i) others.insert(1 + random() % count);
        const std::size_t needed = 1 + random() % others.size();
        graph[task].push_back(some_of(needed, {others.begin(), others.end()}));
      }
      const std::set<TaskNumber> stuck = left_over(graph);
      // Without what 1 waits for: who is stuck even then has a cycle of its own.
      Graph without = graph;
      without[1] = {};
      const bool by_others = !left_over(without).empty();
      const std::vector<WaitStep> cycle = cycle_of(graph, 1);
      found += cycle.empty() ? 0 : 1;
      for (const WaitStep &step : cycle) wrong += stuck.contains(step.task) ? 0 : 1;
      for (std::size_t i = 0; i < cycle.size(); ++i) {
        const std::vector<TaskNumber> &next = graph[cycle[i].task].front().tasks;
        wrong += std::count(next.begin(), next.end(), cycle[(i + 1) % cycle.size()].task) == 1 ? 0 : 1;
      }
      if (!by_others) wrong += cycle.empty() == !stuck.contains(1) ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(found > 2000);
  }
}
