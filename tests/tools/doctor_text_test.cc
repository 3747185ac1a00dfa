#include "tools/doctor_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace mobula;
using namespace mobula::tools;
using objects::Audit;
using objects::Ledger;

namespace {

Audit clean() {
  Audit audit;
  audit.objects = 12;
  audit.used_bytes = 1u << 20;
  audit.pooled_bytes = 4096;
  audit.reserved_bytes = 2u << 20;
  audit.kernel_bytes = 2u << 20;
  audit.clients = {{1, 7, segment::ClientKind::kDriver, 10, 38, 1}, {2, 8, segment::ClientKind::kWorker, 2, 2, 0}};
  return audit;
}

}  // namespace

TEST_SUITE("tools/doctor_text") {
  TEST_CASE("a clean session is one line with what is in it") {
    CHECK(agrees(clean()));
    CHECK(doctor_text("demo", clean()) ==
          "Session demo: 4 ledgers agree: 12 objects, 2 processes hold 40 handles, 1 MiB of 2 MiB reserved in use; "
          "nothing to do\n");
    Audit one = clean();
    one.clients.pop_back();
    CHECK(doctor_text("demo", one).find(" 1 process holds 38 handles,") != std::string::npos);
  }

  TEST_CASE("each mismatch is a line with what to do about it") {
    Audit audit = clean();
    audit.problems = {{Ledger::kHandles, "a bit without a row", 8}, {Ledger::kExtents, "two blocks overlap", 0}};
    audit.problems_left_out = 3;
    CHECK_FALSE(agrees(audit));
    CHECK(doctor_text("demo", audit) ==
          "Session demo: 5 mismatches in 2 of 4 ledgers: 12 objects, 2 processes hold 40 handles, 1 MiB of 2 MiB "
          "reserved in use\n"
          "  handles: a bit without a row. To do: end process 8: the raylet then clears what it holds\n"
          "  extents: two blocks overlap. To do: stop the session: objects may overwrite each other\n"
          "  ... and 3 more\n");
  }

  TEST_CASE("findings are lines with their advice, beside ledgers that agree or do not") {
    const std::vector<Finding> findings = {{"it is late", "shops close", "hurry"}};
    const std::string text = doctor_text("demo", clean(), findings);
    CHECK(text.find(" reserved in use\n  it is late: shops close. To do: hurry\n") != std::string::npos);
    CHECK(text.find("nothing to do") == std::string::npos);
    Audit audit = clean();
    audit.problems = {{Ledger::kExtents, "two blocks overlap", 0}};
    CHECK(doctor_text("demo", audit, findings).find("objects may overwrite each other\n  it is late: ") !=
          std::string::npos);
    const nlohmann::json json = doctor_json("demo", clean(), findings);
    CHECK(json["ok"] == true);
    CHECK(json["findings"][0] == nlohmann::json({{"what", "it is late"}, {"why", "shops close"}, {"to_do", "hurry"}}));
    CHECK(doctor_json("demo", clean())["findings"].empty());
  }

  TEST_CASE("JSON has the verdict, the problems by ledger, the bytes and each client") {
    Audit audit = clean();
    const nlohmann::json good = doctor_json("demo", audit);
    CHECK(good["session"] == "demo");
    CHECK(good["ok"] == true);
    CHECK(good["problems"].empty());
    CHECK(good["objects"] == 12);
    CHECK(good["bytes"] ==
          nlohmann::json({{"used", 1u << 20}, {"pooled", 4096}, {"reserved", 2u << 20}, {"kernel", 2u << 20}}));
    CHECK(good["clients"][0] ==
          nlohmann::json({{"id", 1}, {"pid", 7}, {"kind", "driver"}, {"objects", 10}, {"handles", 38}, {"pins", 1}}));
    audit.problems = {{Ledger::kKernel, "less than reserved", 0}};
    const nlohmann::json bad = doctor_json("demo", audit);
    CHECK(bad["ok"] == false);
    CHECK(bad["problems"][0] == nlohmann::json({{"ledger", "kernel"}, {"text", "less than reserved"}}));
  }
}
