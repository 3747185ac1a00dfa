#include "tasks/resources.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mobula::tasks {
namespace {

bool is_divided(const std::string &name, double quantity) {
  return name == kGpu && quantity > 1 && quantity != std::floor(quantity);
}

std::string complaint(const std::string &name, double quantity) {
  if (name.empty()) return "a resource has no name";
  if (!(quantity >= 0) || quantity > static_cast<double>(kQuantityMax)) {
    return fmt::format("the quantity of resource {} is {}", name, quantity);
  }
  if (is_divided(name, quantity)) return fmt::format("more than one GPU is a whole number of them, not {}", quantity);
  return {};
}

}  // namespace

std::optional<Quantities> read_quantities(const std::vector<std::pair<std::string, double>> &names, std::string *why) {
  Quantities quantities;
  if (names.size() > kResourceNamesMax) *why = fmt::format("more than {} resources", kResourceNamesMax);
  if (names.size() > kResourceNamesMax) return std::nullopt;
  for (const auto &[name, quantity] : names) {
    *why = complaint(name, quantity);
    if (why->empty() && quantities.contains(name)) *why = fmt::format("the resource {} is named twice", name);
    if (!why->empty()) return std::nullopt;
    // What is more than nothing does not become nothing.
    const std::int64_t units = std::llround(quantity * static_cast<double>(kUnitsPerOne));
    quantities[name] = quantity > 0 ? std::max<std::int64_t>(units, 1) : 0;
  }
  std::erase_if(quantities, [](const auto &one) { return one.second == 0; });
  return quantities;
}

std::string text_of(const Quantities &quantities) {
  std::string text;
  for (const auto &[name, units] : quantities) {
    const std::string_view comma = text.empty() ? "" : ", ";
    if (units % kUnitsPerOne == 0)
      text += fmt::format("{}{} {}", comma, name, units / kUnitsPerOne);
    else
      text += fmt::format("{}{} {:g}", comma, name, static_cast<double>(units) / static_cast<double>(kUnitsPerOne));
  }
  return text.empty() ? "nothing" : text;
}

std::uint64_t Grant::device_bits() const {
  std::uint64_t bits = 0;
  for (const DeviceShare &share : devices) bits |= std::uint64_t{1} << share.device;
  return bits;
}

Resources::Resources(Quantities totals) : totals_(std::move(totals)), free_(totals_.begin(), totals_.end()) {
  const std::int64_t devices = units_of(totals_, kGpu) / kUnitsPerOne;
  for (std::uint32_t number = 0; number < devices; ++number) devices_.push_back({number, kUnitsPerOne, kUnitsPerOne});
}

Resources::Resources(const Grant &bundle)
    : totals_(bundle.quantities), free_(bundle.quantities.begin(), bundle.quantities.end()) {
  for (const DeviceShare &share : bundle.devices) devices_.push_back({share.device, share.units, share.units});
}

// A part of one device, of those with room the fullest; or whole devices.
bool Resources::choose_devices(std::int64_t units, bool all_free, std::vector<DeviceShare> *chosen) const {
  const auto room = [all_free](const Device &device) { return all_free ? device.total : device.free; };
  const std::int64_t each = std::min(units, kUnitsPerOne);
  std::vector<const Device *> candidates;
  for (const Device &device : devices_) {
    if (room(device) >= each) candidates.push_back(&device);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](const Device *one, const Device *other) { return room(*one) < room(*other); });
  for (const Device *device : candidates) {
    if (units <= 0) break;
    chosen->push_back({device->number, each});
    units -= each;
  }
  return units <= 0;
}

bool Resources::feasible(const Quantities &request) const {
  for (const auto &[name, units] : request) {
    if (units_of(totals_, name) < units) return false;
  }
  std::vector<DeviceShare> chosen;
  return choose_devices(units_of(request, kGpu), true, &chosen);
}

std::string Resources::infeasible_text(const Quantities &request) const {
  return fmt::format("asked: {}; the session has: {}", text_of(request), text_of(totals_));
}

bool Resources::fits(const Quantities &request) const {
  for (const auto &[name, units] : request) {
    if (free_units(name) < units) return false;
  }
  std::vector<DeviceShare> chosen;
  return choose_devices(units_of(request, kGpu), false, &chosen);
}

std::optional<Grant> Resources::acquire(const Quantities &request) {
  if (!fits(request)) return std::nullopt;
  Grant grant;
  grant.quantities = request;
  choose_devices(units_of(request, kGpu), false, &grant.devices);
  for (const auto &[name, units] : request) change(name, -units);
  for (const DeviceShare &share : grant.devices) {
    std::find_if(devices_.begin(), devices_.end(), [&](const Device &one) {
      return one.number == share.device;
    })->free -= share.units;
  }
  return grant;
}

void Resources::release(const Grant &grant) {
  for (const auto &[name, units] : grant.quantities) {
    if (!grant.lent || name != kCpu) change(name, units);
  }
  for (const DeviceShare &share : grant.devices) {
    std::find_if(devices_.begin(), devices_.end(), [&](const Device &one) {
      return one.number == share.device;
    })->free += share.units;
  }
}

void Resources::lend_cpu(Grant *grant) {
  if (std::exchange(grant->lent, true)) return;
  change(kCpu, units_of(grant->quantities, kCpu));
}

void Resources::take_cpu_back(Grant *grant) {
  if (!std::exchange(grant->lent, false)) return;
  change(kCpu, -units_of(grant->quantities, kCpu));
}

std::int64_t Resources::free_units(std::string_view name) const {
  const auto found = free_.find(name);
  return found == free_.end() ? 0 : found->second;
}

void Resources::change(std::string_view name, std::int64_t units) {
  if (units != 0) free_.find(name)->second += units;
}

}  // namespace mobula::tasks
