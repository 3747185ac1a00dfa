// Jobs: what belongs to a driver, and the actors that outlive one.
#include <fcntl.h>

#include "raylet/raylet.h"
#include "tasks/task_spec.h"

namespace mobula::raylet {

// The template whose workers can run the function for this job.
std::optional<std::uint32_t> Raylet::template_for(std::uint64_t function, std::uint32_t job) {
  if (Template *const one = templates_.with_function(function, job)) return one->number;
  const auto detached = detached_jobs_.find(job);
  if (detached != detached_jobs_.end()) {
    DetachedJob &of = detached->second;
    return own_template(function, job, of.functions, of.program, of.program_name, &of.template_number);
  }
  Client *const driver = clients_.find(job);
  if (driver == nullptr) return std::nullopt;
  return own_template(function, job, driver->functions, driver->program, program_name_of(*driver),
                      &driver->template_number);
}

// Starts the job's own template, unless it had one or does not know the function.
std::optional<std::uint32_t> Raylet::own_template(std::uint64_t function, std::uint32_t job,
                                                  const std::vector<std::string> &functions, const base::File &program,
                                                  const std::string &name, std::uint32_t *number) {
  if (*number != 0) return std::nullopt;
  const auto is_it = [&](const std::string &known) { return tasks::function_number(known) == function; };
  if (std::none_of(functions.begin(), functions.end(), is_it)) return std::nullopt;
  Template &own = templates_.start_for_driver(job, program.get(), name, options_.libraries, functions);
  *number = own.number;
  if (own.failed) return std::nullopt;
  return own.number;
}

std::string Raylet::program_name_of(const Client &driver) {
  return driver.arguments.empty() ? "driver" : driver.arguments[0];
}

bool Raylet::is_job_alive(std::uint32_t job) {
  return job < base::kClientsMax ? clients_.find_living(job) != nullptr : detached_jobs_.count(job) != 0;
}

// The actors that outlive a driver are a job of their own, with a template of their own: a driver's template ends with
// it, and its number is given to another one.
std::uint32_t Raylet::detached_job(std::uint32_t job) {
  if (job >= base::kClientsMax) return job;  // an actor of such a job makes another one
  Client *const driver = clients_.find_living(job);
  if (driver == nullptr) return 0;
  if (driver->detached_job != 0) return driver->detached_job;
  driver->detached_job = next_detached_job_++;
  DetachedJob &made = detached_jobs_[driver->detached_job];
  made.driver = driver->id;
  made.name_space = driver->name_space;
  made.program_name = program_name_of(*driver);
  made.functions = driver->functions;
  made.program = base::File(fcntl(driver->program.get(), F_DUPFD_CLOEXEC, 0));
  return driver->detached_job;
}

void Raylet::detached_job_ended(std::uint32_t job) {
  const auto found = detached_jobs_.find(job);
  if (found == detached_jobs_.end()) return;
  const std::uint32_t template_number = found->second.template_number;
  if (Client *const driver = clients_.find(found->second.driver); driver != nullptr && driver->detached_job == job)
    driver->detached_job = 0;
  detached_jobs_.erase(found);
  tasks_.on_job_ended(job);
  if (template_number != 0) tasks_.fail_template(template_number, plain_verdict(Code::kOwnerDied));
  templates_.end_job(job);
}

std::string Raylet::namespace_of(std::uint32_t job) {
  const auto detached = detached_jobs_.find(job);
  if (detached != detached_jobs_.end()) return detached->second.name_space;
  const Client *const driver = clients_.find(job);
  return driver == nullptr ? std::string() : driver->name_space;
}

// Drivers know the functions of their program. Those of a library that no driver has are not known by name.
std::string Raylet::function_name(std::uint64_t function) {
  for (const std::uint32_t id : clients_.ids()) {
    for (const std::string &name : clients_.find(id)->functions) {
      if (tasks::function_number(name) == function) return name;
    }
  }
  return "";
}

// The driver whose terminal shows what the job's processes print.
std::uint32_t Raylet::driver_of(std::uint32_t job) const {
  const auto detached = detached_jobs_.find(job);
  return detached == detached_jobs_.end() ? job : detached->second.driver;
}

Client *Raylet::client_at(const std::shared_ptr<Connection> &connection) {
  for (const std::uint32_t id : clients_.ids()) {
    if (clients_.find(id)->connection == connection) return clients_.find(id);
  }
  return nullptr;
}

wire::FindActorReply Raylet::find_actor(const std::shared_ptr<Connection> &connection,
                                        const wire::FindActorRequest &request) {
  const Client *const client = client_at(connection);
  if (client == nullptr) return {};
  const refs::ObjectName found = tasks_.find_actor(*client, request.name, request.name_space);
  return {found.entry != segment::kNoEntry, found.entry, found.generation};
}

}  // namespace mobula::raylet
