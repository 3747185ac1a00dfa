// tools/chaos_report.h: what came of a chaos run, for people, for programs, and as a plot. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/chaos.h"

namespace mobula::tools {

enum class Verdict { kClean, kLeft, kNothingTested };
// kLeft: something stays, or the ledgers differ. kNothingTested: no run has joined the session.
Verdict verdict_of(const ChaosResult &result);
// Why nothing was tested, with the last words of the program.
std::string nothing_tested_text(const ChaosOptions &options, const ChaosResult &result);

// Runs, strikes, deaths, work, a line of the bytes over time, ledgers, and what is left.
std::string chaos_text(const ChaosOptions &options, const ChaosResult &result, bool utf8);
// {"session", "seed", "seconds", "verdict", "runs", "strikes", "deaths", "tasks", "peak", "points", "ledgers", "left"}.
nlohmann::json chaos_json(const ChaosOptions &options, const ChaosResult &result);
// Bytes and references over time, with the deaths.
std::string chaos_svg(const ChaosOptions &options, const ChaosResult &result);

}  // namespace mobula::tools
