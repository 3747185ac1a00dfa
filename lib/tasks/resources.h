// tasks/resources.h: what tasks, actors and bundles ask for (CPU, GPU, memory, or any other name), and the ledger of
// what there is and who has it.
//   Layout     quantities count in 1/10000, so that fractions add up; GPU is a row of devices with a share each
//   Threads    thread-bound, pure
//   Ownership  a grant belongs to whoever asked; it must come back to the ledger it came from
//   Errors     a condition as a text for people; a grant never takes more than is free
//   Cost       O(names of the request), O(devices) when it asks for GPU
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mobula::tasks {

constexpr std::int64_t kUnitsPerOne = 10'000;
constexpr std::uint32_t kDevicesMax = 64;         // GPUs of a session: one bit each in an offer
constexpr std::uint32_t kResourceNamesMax = 256;  // in one request
constexpr std::int64_t kQuantityMax = 1ll << 49;  // of one resource: units stay far from the end of an int64
constexpr std::string_view kCpu = "CPU";
constexpr std::string_view kGpu = "GPU";

// Name -> units, more than 0. Ordered, so that equal requests are equal.
using Quantities = std::map<std::string, std::int64_t, std::less<>>;

// Units of `names`; nothing, and a text in `*why`, when a name is empty or there twice, a quantity is negative, no
// number or too large, or more than one GPU is not a whole number of them. Quantities of 0 are left out.
std::optional<Quantities> read_quantities(const std::vector<std::pair<std::string, double>> &names, std::string *why);

// "CPU 2, gpu_x 0.5"; "nothing" when there are none.
std::string text_of(const Quantities &quantities);

inline std::int64_t units_of(const Quantities &quantities, std::string_view name) {
  const auto found = quantities.find(name);
  return found == quantities.end() ? 0 : found->second;
}

// The part of one device that somebody has.
struct DeviceShare {
  std::uint32_t device = 0;
  std::int64_t units = 0;

  friend bool operator==(const DeviceShare &, const DeviceShare &) = default;
};

// What was taken. Empty: nothing.
struct Grant {
  Quantities quantities;
  std::vector<DeviceShare> devices;  // their units add up to the GPU quantity
  bool lent = false;                 // its CPU is lent to others

  [[nodiscard]] std::uint64_t device_bits() const;
};

class Resources {
 public:
  // A session's: GPU units are whole devices 0, 1, ... REQUIRES: at most kDevicesMax of them.
  explicit Resources(Quantities totals);
  // What a grant took, to be divided further: a bundle of a placement group.
  explicit Resources(const Grant &bundle);

  // Whether it could be met if nobody had anything.
  [[nodiscard]] bool feasible(const Quantities &request) const;
  // "asked: CPU 4; the session has: CPU 2"
  [[nodiscard]] std::string infeasible_text(const Quantities &request) const;
  // Whether it can be met now.
  [[nodiscard]] bool fits(const Quantities &request) const;
  // Takes it. Nothing when it does not fit.
  std::optional<Grant> acquire(const Quantities &request);
  // Gives it back. REQUIRES: it came from here, and comes back once.
  void release(const Grant &grant);

  // Whoever has the grant waits: others may use its CPU meanwhile. Nothing happens when it is lent already.
  void lend_cpu(Grant *grant);
  // It goes on at once, even if there is less than nothing left of the CPU then.
  void take_cpu_back(Grant *grant);

  [[nodiscard]] const Quantities &totals() const { return totals_; }
  // Less than 0: more is in use than there is, since what was lent was taken back.
  [[nodiscard]] std::int64_t free_units(std::string_view name) const;
  [[nodiscard]] std::int64_t used_units(std::string_view name) const {
    return units_of(totals_, name) - free_units(name);
  }

 private:
  struct Device {
    std::uint32_t number = 0;
    std::int64_t total = 0;
    std::int64_t free = 0;
  };

  bool choose_devices(std::int64_t units, bool all_free, std::vector<DeviceShare> *chosen) const;
  void change(std::string_view name, std::int64_t units);

  Quantities totals_;
  std::map<std::string, std::int64_t, std::less<>> free_;
  std::vector<Device> devices_;
};

}  // namespace mobula::tasks
