#include "tasks/resources.h"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <random>

using namespace mobula::tasks;

namespace {

Quantities asked(const std::vector<std::pair<std::string, double>> &names) {
  std::string why;
  const std::optional<Quantities> quantities = read_quantities(names, &why);
  REQUIRE_MESSAGE(quantities, why);
  return *quantities;
}

std::string refusal(const std::vector<std::pair<std::string, double>> &names) {
  std::string why;
  CHECK_FALSE(read_quantities(names, &why));
  return why;
}

}  // namespace

TEST_SUITE("tasks/resources") {
  TEST_CASE("quantities are read with fractions of a ten-thousandth, zeros are left out") {
    CHECK(asked({{"CPU", 2}, {"x", 0.5}, {"none", 0}}) == Quantities{{"CPU", 20'000}, {"x", 5'000}});
    CHECK(asked({{"x", 0.1 + 0.2}}) == Quantities{{"x", 3'000}});
    CHECK(asked({{"x", 1e-9}}) == Quantities{{"x", 1}});
    CHECK(text_of(asked({{"gpu_x", 0.25}, {"CPU", 2}})) == "CPU 2, gpu_x 0.25");
    CHECK(text_of({}) == "nothing");
  }

  TEST_CASE("what is no quantity is refused by name") {
    CHECK(refusal({{"", 1}}).find("no name") != std::string::npos);
    CHECK(refusal({{"x", -1}}).find("x is -1") != std::string::npos);
    CHECK(refusal({{"x", std::numeric_limits<double>::quiet_NaN()}}).find("x is nan") != std::string::npos);
    CHECK(refusal({{"x", 1e300}}).find("resource x") != std::string::npos);
    CHECK(refusal({{"GPU", 1.5}}).find("1.5") != std::string::npos);
    CHECK(refusal({{"x", 1}, {"x", 1}}).find("twice") != std::string::npos);
    CHECK(refusal(std::vector<std::pair<std::string, double>>(kResourceNamesMax + 1)).find("256") != std::string::npos);
  }

  TEST_CASE("a request takes what it asks for and gives it back") {
    Resources ledger(asked({{"CPU", 2}, {"x", 1}}));
    const std::optional<Grant> first = ledger.acquire(asked({{"CPU", 1}, {"x", 0.75}}));
    REQUIRE(first);
    CHECK(ledger.free_units("CPU") == 10'000);
    CHECK_FALSE(ledger.acquire(asked({{"x", 0.5}})));
    CHECK(ledger.free_units("x") == 2'500);
    ledger.release(*first);
    CHECK(ledger.acquire(asked({{"CPU", 2}, {"x", 1}})));
  }

  TEST_CASE("what the session will never have is told with what it has") {
    const Resources ledger(asked({{"CPU", 2}}));
    CHECK(ledger.feasible(asked({{"CPU", 2}})));
    CHECK_FALSE(ledger.feasible(asked({{"CPU", 3}})));
    CHECK_FALSE(ledger.feasible(asked({{"gpu_x", 1}})));
    CHECK(ledger.infeasible_text(asked({{"gpu_x", 1}, {"CPU", 2}})) == "asked: CPU 2, gpu_x 1; the session has: CPU 2");
  }

  TEST_CASE("parts of a device share one, whole devices are not shared") {
    Resources ledger(asked({{"GPU", 3}}));
    const Grant half = *ledger.acquire(asked({{"GPU", 0.5}}));
    const Grant other_half = *ledger.acquire(asked({{"GPU", 0.5}}));
    CHECK(half.device_bits() == other_half.device_bits());
    const Grant two = *ledger.acquire(asked({{"GPU", 2}}));
    CHECK((two.device_bits() | half.device_bits()) == 7);
    ledger.release(two);
    const Grant third = *ledger.acquire(asked({{"GPU", 0.75}}));
    CHECK_FALSE(ledger.fits(asked({{"GPU", 2}})));  // 1.25 are free, on two devices
    ledger.release(third);
    CHECK(ledger.fits(asked({{"GPU", 2}})));
  }

  TEST_CASE("whoever waits lends its CPU, and nothing else, and goes on even when it is taken") {
    Resources ledger(asked({{"CPU", 1}, {"x", 1}}));
    Grant waiting = *ledger.acquire(asked({{"CPU", 1}, {"x", 1}}));
    ledger.lend_cpu(&waiting);
    ledger.lend_cpu(&waiting);
    CHECK(ledger.free_units("CPU") == 10'000);
    CHECK_FALSE(ledger.fits(asked({{"x", 1}})));
    const Grant child = *ledger.acquire(asked({{"CPU", 1}}));
    ledger.take_cpu_back(&waiting);
    CHECK(ledger.free_units("CPU") == -10'000);
    ledger.lend_cpu(&waiting);
    ledger.release(waiting);  // it died while it waited
    ledger.release(child);
    CHECK(ledger.free_units("CPU") == 10'000);
    CHECK(ledger.free_units("x") == 10'000);
  }

  TEST_CASE("a bundle is divided like a session, with its own devices") {
    Resources ledger(asked({{"CPU", 4}, {"GPU", 4}}));
    const Grant before = *ledger.acquire(asked({{"GPU", 2}}));
    Resources bundle(*ledger.acquire(asked({{"CPU", 2}, {"GPU", 2}})));
    const Grant one = *bundle.acquire(asked({{"GPU", 1}}));
    const Grant other = *bundle.acquire(asked({{"GPU", 1}}));
    CHECK((one.device_bits() & other.device_bits()) == 0);
    CHECK(((one.device_bits() | other.device_bits()) & before.device_bits()) == 0);
    CHECK_FALSE(bundle.fits(asked({{"GPU", 0.5}})));
    CHECK_FALSE(bundle.feasible(asked({{"CPU", 3}})));
  }

  TEST_CASE("it agrees with plain sums under random grants, loans and returns") {
    std::mt19937_64 random(11);
    Resources ledger(asked({{"CPU", 4}, {"GPU", 3}, {"x", 2}}));
    std::vector<Grant> held;
    int wrong = 0;
    int refused = 0;
    for (int round = 0; round < 50'000; ++round) {
      std::array<std::int64_t, 3> devices{kUnitsPerOne, kUnitsPerOne, kUnitsPerOne};
      std::int64_t cpu = 4 * kUnitsPerOne;
      std::int64_t custom = 2 * kUnitsPerOne;
      for (const Grant &grant : held) {
        cpu -= grant.lent ? 0 : units_of(grant.quantities, "CPU");
        custom -= units_of(grant.quantities, "x");
        for (const DeviceShare &share : grant.devices) devices[share.device] -= share.units;
      }
      for (const std::int64_t free : devices) wrong += free < 0 ? 1 : 0;
      wrong += ledger.free_units("CPU") == cpu && ledger.free_units("x") == custom ? 0 : 1;
      wrong += ledger.free_units("GPU") == devices[0] + devices[1] + devices[2] ? 0 : 1;
      const std::uint64_t what = random() % 4;
      if (what < 2) {
        const double gpu = random() % 2 == 0 ? static_cast<double>(random() % 4) : 0.3;
        const Quantities request =
            asked({{"CPU", static_cast<double>(random() % 30) / 10}, {"GPU", gpu}, {"x", random() % 3 * 0.5}});
        const std::int64_t each = std::min(units_of(request, "GPU"), kUnitsPerOne);
        std::int64_t lacking = units_of(request, "GPU");
        for (const std::int64_t free : devices) lacking -= each > 0 && free >= each ? each : 0;
        const std::int64_t cpu_asked = units_of(request, "CPU");
        const bool fits = lacking <= 0 && (cpu_asked == 0 || cpu_asked <= cpu) && units_of(request, "x") <= custom;
        const std::optional<Grant> grant = ledger.acquire(request);
        wrong += grant.has_value() == fits ? 0 : 1;
        refused += fits ? 0 : 1;
        if (grant) held.push_back(*grant);
      } else if (!held.empty()) {
        Grant &one = held[random() % held.size()];
        if (what == 2) {
          one.lent ? ledger.take_cpu_back(&one) : ledger.lend_cpu(&one);
        } else {
          ledger.release(one);
          std::swap(one, held.back());
          held.pop_back();
        }
      }
    }
    CHECK(wrong == 0);
    CHECK(refused > 1000);
    CHECK(refused < 40'000);
  }
}
