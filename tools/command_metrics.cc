#include "tools/command_metrics.h"

#include <prometheus/metric_family.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "metrics/families.h"
#include "tools/write_file.h"

namespace mobula::tools {
namespace {

constexpr int kJsonIndent = 2;

// {"session", "metrics": [{"name", "type", "labels", "value"}]}.
std::string json_of(const std::string &session, const std::vector<prometheus::MetricFamily> &families) {
  nlohmann::json list = nlohmann::json::array();
  for (const prometheus::MetricFamily &family : families) {
    const bool is_counter = family.type == prometheus::MetricType::Counter;
    for (const prometheus::ClientMetric &sample : family.metric) {
      nlohmann::json labels = nlohmann::json::object();
      for (const auto &label : sample.label) labels[label.name] = label.value;
      list.push_back({{"name", family.name},
                      {"type", is_counter ? "counter" : "gauge"},
                      {"labels", labels},
                      {"value", is_counter ? sample.counter.value : sample.gauge.value}});
    }
  }
  return nlohmann::json({{"session", session}, {"metrics", list}}).dump(kJsonIndent) + "\n";
}

Status run(const Choice &choice, const std::string &file, std::ostream &output) {
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  const metrics::SessionFigures figures = metrics::read_session(*look.segment);
  const metrics::Scrape scrape{look.session, base::monotonic_ns(), base::wall_ns()};
  const std::string text =
      choice.json ? json_of(look.session, metrics::families_of(figures, scrape)) : metrics::text_of(figures, scrape);
  if (!file.empty()) return replace_file(file, text);
  output << text;
  return nullptr;
}

}  // namespace

Command add_metrics(CLI::App &app, Choice *choice) {
  const auto file = std::make_shared<std::string>();
  CLI::App *const command =
      add_command(app, "metrics", "Print a session's figures in the text format of Prometheus", choice);
  command->add_option("-o,--output", *file,
                      "Write them to this file, which is replaced as a whole: for node_exporter's textfile collector");
  return {command, [choice, file](std::ostream &output, int *) { return run(*choice, *file, output); }};
}

}  // namespace mobula::tools
