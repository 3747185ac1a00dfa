// refs/scheduled_world.h: two processes, their rows and one entry, made anew for each execution of a scenario, and what
// must hold in each: at every step, because a process may be killed there, and at rest.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <new>
#include <optional>
#include <string>

#include "refs/test_client.h"
#include "support/explorer.h"

namespace mobula::refs {

using support::Scenario;

constexpr std::uint32_t kEntry = 0;
constexpr std::uint32_t kRowsLookedAt = 3;

// A process, and how many handles it was told that it has. What a private free list owns counts as one.
struct ScheduledClient {
  explicit ScheduledClient(segment::Segment &segment, std::uint32_t id) : client(segment, id) {}

  bool take(std::uint64_t generation) {
    segment::Row *taken = nullptr;
    const auto result = client.references.take({kEntry, generation}, &taken);
    support::expect(result != References::Take::kNoRow, "there are rows");
    if (result != References::Take::kTaken) return false;
    support::expect(References::name_of(*taken) == ObjectName{kEntry, generation}, "the row names what was taken");
    row = taken;
    ++handles;
    return true;
  }
  References::Release release(segment::Row &released) {
    --handles;
    std::uint32_t entry = segment::kNoEntry;
    const References::Release result = client.references.release(released, &entry);
    support::expect(entry == kEntry, "the entry is told");
    if (result == References::Release::kRecycled) ++handles;
    return result;
  }
  // Creates and seals; false where the entry is not ours.
  bool create() {
    row = client.references.open(kEntry);
    ++handles;
    return client.references.begin(*row, State::kCreating) && client.references.settle(*row, State::kSealed);
  }

  TestClient client;
  segment::Row *row = nullptr;
  std::uint32_t handles = 0;
};

struct ScheduledWorld {
  std::unique_ptr<segment::Segment> segment = create_segment_with_entries();
  std::optional<ScheduledClient> first;
  std::optional<ScheduledClient> second;
  support::Cell bytes;                   // the object's
  std::optional<std::uint64_t> expects;  // the generation that whoever has a handle relies on
  std::uint32_t freed = 0;

  segment::EntryHeader &entry() { return segment->entry(kEntry); }
  std::uint64_t word() { return entry().state.load(); }

  // Everything empty, but for the entry: FREE in that generation.
  void begin(Scenario &scenario, std::uint64_t generation = 0) {
    new (&entry()) segment::EntryHeader{};
    entry().state.store(pack(State::kFree, kRayletWriter, generation));
    first.emplace(*segment, 1);
    second.emplace(*segment, 2);
    expects = generation;
    freed = 0;
    name_words(scenario);
    scenario.after_each_step([this] { return at_each_step(); });
    scenario.at_end([this] { return at_rest(); });
  }
  // And a sealed object in it that `first` has one handle of, and that others know.
  void begin_with_object(Scenario &scenario) {
    begin(scenario);
    first->create();
    References::share(*first->row);
  }
  void begin_with_dropped_object(Scenario &scenario) {
    begin_with_object(scenario);
    first->release(*first->row);
  }

  // What the raylet does with a candidate; then its bytes are somebody else's.
  bool evict() {
    if (!try_free(*segment, kEntry)) return false;
    ++freed;
    bytes.write();
    return true;
  }

  void name_words(Scenario &scenario) {
    scenario.name(&entry().state, "state");
    scenario.name(&entry().holders, "holders");
    scenario.name(&entry().pins, "pins");
    scenario.watch(&entry().holders);
    scenario.watch(&entry().pins);
    static constexpr const char *kNames[2][kRowsLookedAt][3] = {
        {{"1: count", "1: hint", "1: pins"},
         {"1: count of row 1", "1: hint of row 1", "1: pins of row 1"},
         {"1: count of row 2", "1: hint of row 2", "1: pins of row 2"}},
        {{"2: count", "2: hint", "2: pins"},
         {"2: count of row 1", "2: hint of row 1", "2: pins of row 1"},
         {"2: count of row 2", "2: hint of row 2", "2: pins of row 2"}}};
    for (std::uint32_t i = 0; i < kRowsLookedAt; ++i) {
      std::uint32_t process = 0;
      for (const auto &each : {&first, &second}) {
        segment::Row &row = (*each)->client.rows[i];
        scenario.name(&row.count, kNames[process][i][0]);
        scenario.name(&row.entry_plus_1, kNames[process][i][1]);
        scenario.name(&row.pins, kNames[process][i][2]);
        scenario.watch(&row.entry_plus_1);
        scenario.watch(&row.pins);
        ++process;
      }
    }
  }

  // Wherever a process dies, its rows name every bit of it; and nothing is freed that somebody was told to have.
  std::string at_each_step() {
    for (const auto &each : {&first, &second}) {
      const TestClient &client = (*each)->client;
      std::uint32_t hints = 0;
      std::uint32_t pins = 0;
      for (std::uint32_t i = 0; i < kRowsLookedAt; ++i) {
        if (client.rows[i].entry_plus_1.load() != kEntry + 1) continue;
        ++hints;
        pins += client.rows[i].pins.load();
      }
      if (client.holds(kEntry) && hints == 0) return "a holder bit that no row names";
      if (client.pins(kEntry) && pins == 0) return "a pin bit that no row names";
      if (hints > 1) return "two rows for one entry";
      if (expects && (*each)->handles != 0 && !names(word(), *expects)) return "freed while held";
    }
    return "";
  }

  std::string at_rest() {
    if (is_evicting(word())) return "the flag of an evictor is left";
    for (const auto &each : {&first, &second}) {
      const std::string wrong = wrong_at_rest(**each);
      if (!wrong.empty()) return wrong;
      while ((*each)->handles != 0) (*each)->release(*(*each)->row);
    }
    if (is_settled(word()) && !try_free(*segment, kEntry)) return "nobody holds it and it cannot be freed";
    return "";
  }
  static std::string wrong_at_rest(ScheduledClient &process) {
    std::uint32_t count = 0;
    std::uint32_t hints = 0;
    for (std::uint32_t i = 0; i < kRowsLookedAt; ++i) {
      count += process.client.rows[i].count.load();
      hints += process.client.rows[i].entry_plus_1.load() != 0 ? 1 : 0;
    }
    const bool holds = process.handles != 0;
    if (count != process.handles) return "the rows count other handles than there are";
    if (hints != (holds ? 1u : 0u)) return "a row too many or too few";
    if (process.client.references.rows_in_use() != hints) return "a row is lost";
    return process.client.holds(kEntry) == holds ? "" : "the holder bit is wrong";
  }
};

// Every execution, and how many there are.
inline void check_all(const std::function<void(Scenario &)> &prepare) {
  const support::Exploration all = support::explore(prepare);
  MESSAGE(all.executions << " executions, " << all.cut << " cut short");
  CHECK_MESSAGE(all.failure.empty(), all.failure);
}

}  // namespace mobula::refs
