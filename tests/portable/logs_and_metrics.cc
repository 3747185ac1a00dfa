// RAYLOG and the metric classes: what they print goes elsewhere.
#include <ray/api.h>
#include <ray/api/metric.h>

int log_in_a_task(int value) {
  RAYLOG(DEBUG) << "seen by few " << value;
  RAYLOG(INFO) << "of a task " << value;
  return value;
}
RAY_REMOTE(log_in_a_task);

int main() {
  ray::Init();
  RAYLOG(INFO) << "a line " << 1 << " of " << 2.5;
  RAYLOG(WARNING) << "a warning";
  RAYLOG(ERROR) << "an error";
  std::cout << *ray::Task(log_in_a_task).Remote(3).Get() << "\n";
  std::cout << static_cast<int>(ray::RayLoggerLevel::DEBUG) << static_cast<int>(ray::RayLoggerLevel::INFO)
            << static_cast<int>(ray::RayLoggerLevel::WARNING) << static_cast<int>(ray::RayLoggerLevel::ERROR)
            << static_cast<int>(ray::RayLoggerLevel::FATAL) << "\n";
  std::cout << "errors are logged: " << ray::IsLevelEnabled(ray::RayLoggerLevel::ERROR) << "\n";

  ray::Gauge gauge("portable_gauge", "a gauge", "things", {"place"});
  gauge.Set(1, {{"place", "here"}});
  gauge.Record(2, {{"place", "there"}});
  ray::Histogram histogram("portable_histogram", "a histogram", "ms", {1, 10, 100}, {"place"});
  histogram.Observe(5, {{"place", "here"}});
  ray::Counter counter("portable_counter", "a counter", "things");
  counter.Inc(1, {});
  ray::Sum sum("portable_sum", "a sum", "things", {"place"});
  sum.Record(3, {{"place", "here"}});
  ray::Metric *metrics[] = {&gauge, &histogram, &counter, &sum};
  for (const ray::Metric *metric : metrics) std::cout << metric->GetName() << "\n";
  ray::Shutdown();
}
