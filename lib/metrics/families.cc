#include "metrics/families.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace mobula::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kNanosecondsPerSecond = 1e9;

double seconds(std::int64_t duration_ns) {
  return static_cast<double>(std::max<std::int64_t>(duration_ns, 0)) / kNanosecondsPerSecond;
}

// One label and its value; the first of a family without further labels is empty.
struct Sample {
  std::string label;
  double value = 0;
};

class Families {
 public:
  explicit Families(std::string session) : session_(std::move(session)) {}

  void gauge(const std::string &name, const std::string &help, double value) {
    add(MetricType::Gauge, name, help, "", {{"", value}});
  }
  void gauge(const std::string &name, const std::string &help, const std::string &label,
             const std::vector<Sample> &samples) {
    add(MetricType::Gauge, name, help, label, samples);
  }
  void counter(const std::string &name, const std::string &help, std::uint64_t value) {
    add(MetricType::Counter, name, help, "", {{"", static_cast<double>(value)}});
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  void add(MetricType type, const std::string &name, const std::string &help, const std::string &label,
           const std::vector<Sample> &samples) {
    MetricFamily family;
    family.name = "mobula_" + name;
    family.help = help;
    family.type = type;
    for (const Sample &sample : samples) {
      ClientMetric &metric = family.metric.emplace_back();
      metric.label.push_back({"session", session_});
      if (!label.empty()) metric.label.push_back({label, sample.label});
      if (type == MetricType::Counter)
        metric.counter.value = sample.value;
      else
        metric.gauge.value = sample.value;
    }
    families_.push_back(std::move(family));
  }

  const std::string session_;
  std::vector<MetricFamily> families_;
};

double number(std::uint64_t value) { return static_cast<double>(value); }

void add_store(const SessionFigures &figures, Families *families) {
  const runtime::StoreStats &store = figures.store;
  families->gauge("store_capacity_bytes", "Size of the object store.", number(store.capacity_bytes));
  families->gauge("store_reserved_bytes", "Memory that the store has from the kernel for objects.",
                  number(figures.reserved_bytes));
  families->gauge("store_used_bytes", "Used by objects, rounded up to blocks.", number(store.used_bytes));
  families->gauge("store_pooled_bytes", "Kept ready by processes for their next objects.", number(store.pooled_bytes));
  families->gauge("store_free_bytes", "In no block.", number(store.free_bytes));
  families->gauge("store_largest_free_bytes", "Largest block that could be given out.",
                  number(store.largest_free_bytes));
  families->gauge("store_waits_for_space", "1 while a put waits because the store is full.",
                  figures.waits_for_space ? 1 : 0);
  families->gauge("store_objects", "Objects: values, results and actors.", number(store.objects));
  families->gauge("store_unsealed_objects", "Objects that are still being written.", number(figures.unsealed_objects));
  families->gauge("store_referenced_objects", "Objects that a process, a task or another object refers to.",
                  number(store.referenced_objects));
  families->gauge("store_pinned_objects", "Objects that are pinned.", number(store.pinned_objects));
  families->gauge("store_retained_objects", "Objects that are named, weakly held, or retained.",
                  number(store.retained_objects));
  families->gauge("store_evictable_objects", "Objects that the eviction pass may free now.",
                  number(store.evictable_objects));
  families->counter("store_freed_objects_total", "Objects freed.", store.freed);
  families->counter("store_evictions_total", "Objects freed by the eviction pass.", store.evictions);
  families->counter("store_evicted_bytes_total", "Bytes freed by the eviction pass.", store.evicted_bytes);
}

void add_references(const SessionFigures &figures, const Scrape &scrape, Families *families) {
  families->gauge("references", "Objects held, counted once for each process that holds them.",
                  number(figures.references));
  families->gauge("handles", "Handles of all processes.", number(figures.store.handles));
  families->gauge("raylet_references", "References of tasks and of objects that contain others.",
                  number(figures.store.raylet_references));
  families->gauge("pins", "Pins of all processes and of the session.", number(figures.store.pins));
  const bool is_held = figures.oldest_reference_ns != 0;
  families->gauge("oldest_reference_age_seconds", "Since when a process has held what it has held longest; 0: nothing.",
                  is_held ? seconds(scrape.now_ns - figures.oldest_reference_ns) : 0);
  if (figures.log_places == 0) return;
  families->counter("reference_log_events_total", "Events written to the reference log.", figures.log_events);
  families->counter("reference_log_lost_events_total", "Events that found no place in the reference log.",
                    figures.log_lost);
}

void add_processes(const SessionFigures &figures, Families *families) {
  families->gauge(
      "clients", "Processes of the session.", "kind",
      {{"driver", number(figures.drivers)}, {"worker", number(figures.workers_idle + figures.workers_running)}});
  families->gauge("workers", "Workers by what they do.", "state",
                  {{"idle", number(figures.workers_idle)}, {"running", number(figures.workers_running)}});
  families->gauge("actors", "Workers that are an actor.", number(figures.actors));
  families->counter("deaths_total", "Processes of the session that have ended.", figures.deaths);
  std::vector<Sample> causes;
  for (std::size_t cause = 0; cause < kCauses; ++cause) {
    std::string name = segment::name_of(static_cast<segment::DeathCause>(cause));
    std::replace(name.begin(), name.end(), ' ', '_');
    causes.push_back({std::move(name), number(figures.recent_deaths[cause])});
  }
  families->gauge("recent_deaths", "How the processes ended that are remembered, at most the last 1024.", "cause",
                  causes);
}

void add_tasks(const SessionFigures &figures, Families *families) {
  families->gauge("tasks", "Tasks and calls of actors that have not ended.", "state",
                  {{"queued", number(figures.tasks_queued)}, {"running", number(figures.tasks_running)}});
  if (!figures.raylet) return;
  families->counter("tasks_finished_total", "Tasks and calls that ran to their end.", figures.raylet->tasks_finished);
  families->counter("tasks_failed_total", "Tasks and calls whose result is a failure, whether they ran or not.",
                    figures.raylet->tasks_failed);
}

}  // namespace

std::vector<MetricFamily> families_of(const SessionFigures &figures, const Scrape &scrape) {
  Families families(scrape.session);
  families.gauge("build_info", "1, with the version of Mobula.", "version", {{MOBULA_VERSION, 1}});
  families.gauge("start_time_seconds", "When the session began, since 1970.",
                 seconds(scrape.wall_ns - (scrape.now_ns - figures.started_ns)));
  add_store(figures, &families);
  add_references(figures, scrape, &families);
  add_processes(figures, &families);
  add_tasks(figures, &families);
  return families.take();
}

std::string text_of(const SessionFigures &figures, const Scrape &scrape) {
  return prometheus::TextSerializer().Serialize(families_of(figures, scrape));
}

}  // namespace mobula::metrics
