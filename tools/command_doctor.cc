#include "tools/command_doctor.h"

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "tools/doctor.h"
#include "tools/doctor_text.h"
#include "tools/findings.h"

namespace mobula::tools {
namespace {

constexpr int kJsonIndent = 2;

Status run(const Choice &choice, std::ostream &output, int *exit_status) {
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  objects::Audit audit;
  if (Status status = examine(look.raylet_pid, &audit)) return status;
  const Surroundings surroundings = read_surroundings(look.session, look.raylet_pid, *look.segment);
  const tasks::Holdings holdings = tasks::read_holdings(*look.segment, base::monotonic_ns(), is_alive);
  Labels labels(*look.segment, holdings);
  const std::vector<Finding> findings = find_all(surroundings, holdings, labels);
  // Command lines may hold any bytes.
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  output << (choice.json ? doctor_json(look.session, audit, findings).dump(kJsonIndent, ' ', false, kReplace) + "\n"
                         : doctor_text(look.session, audit, findings));
  if (!agrees(audit)) *exit_status = kFound;
  return nullptr;
}

}  // namespace

Command add_doctor(CLI::App &app, Choice *choice) {
  CLI::App *const command =
      add_command(app, "doctor",
                  "Compare a session's ledgers, also of one that hangs, and say what else is not well; status 3 when "
                  "ledgers differ",
                  choice);
  return {command, [choice](std::ostream &output, int *status) { return run(*choice, output, status); }};
}

}  // namespace mobula::tools
