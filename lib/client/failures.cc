#include "client/failures.h"

#include <cxxabi.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <typeinfo>
#include <utility>

#include "base/clock.h"
#include "mobula/errors.h"
#include "tasks/task_spec.h"

namespace mobula::client {
namespace {

thread_local const TaskStart *innermost_start = nullptr;

std::string demangle(const char *name) {
  int status = 0;
  char *const text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string demangled = status == 0 ? text : name;
  std::free(text);
  return demangled;
}

// One exception by itself, and the one that it was thrown because of.
struct Link {
  std::string type;
  std::string what;
  std::vector<Error> errors;  // of an exception that Get threw: the failure that it stands for, and its causes
  std::exception_ptr nested;
};

void note_library_error(const std::exception &exception, Link *link) {
  const Error *const error = error_of(exception);
  // Without a function it is no failure of another task: the exception's own words say everything.
  if (error == nullptr || error->function.empty()) return;
  link->errors.push_back(*error);
  link->errors[0].causes.clear();
  link->errors.insert(link->errors.end(), error->causes.begin(), error->causes.end());
}

// REQUIRES: `thrown` is not null.
Link look_at(const std::exception_ptr &thrown) {
  Link link;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception &exception) {
    link.type = demangle(typeid(exception).name());
    link.what = exception.what();
    note_library_error(exception, &link);
    const auto *const outer = dynamic_cast<const std::nested_exception *>(&exception);
    if (outer != nullptr) link.nested = outer->nested_ptr();
  } catch (const std::nested_exception &outer) {
    link.type = demangle(typeid(outer).name());
    link.what = "no what()";
    link.nested = outer.nested_ptr();
  } catch (...) {
    const std::type_info *const type = abi::__cxa_current_exception_type();
    link.type = type == nullptr ? "unknown" : demangle(type->name());
    link.what = "no what()";
  }
  return link;
}

void add_causes(Link link, std::vector<Error> *causes) {
  for (;;) {
    causes->insert(causes->end(), link.errors.begin(), link.errors.end());
    if (link.nested == nullptr || causes->size() >= tasks::kCausesMax) break;
    link = look_at(link.nested);
    Error cause;
    cause.code = Code::kTaskFailed;
    cause.type = link.type;
    cause.message = link.what;
    causes->push_back(std::move(cause));
  }
  if (causes->size() > tasks::kCausesMax) causes->resize(tasks::kCausesMax);
}

}  // namespace

TaskStart::TaskStart(const std::string &task)
    : outer_(std::exchange(innermost_start, this)), task_(task), started_ns_(base::coarse_wall_ns()) {}

TaskStart::~TaskStart() { innermost_start = outer_; }

Error describe_failure(const std::string &function, const std::string &type, const std::string &what) {
  Error error;
  error.code = Code::kTaskFailed;
  error.function = function;
  error.type = type;
  error.pid = getpid();
  if (innermost_start != nullptr) {
    error.task = innermost_start->task_;
    error.started_ns = innermost_start->started_ns_;
  }
  error.failed_ns = base::wall_ns();
  error.message =
      fmt::format("Invalid: An exception was thrown while executing function({}): {}: {}", function, type, what);
  return error;
}

Error describe_thrown(const std::string &function) {
  Link link = look_at(std::current_exception());
  Error error = describe_failure(function, link.type, link.what);
  add_causes(std::move(link), &error.causes);
  return error;
}

}  // namespace mobula::client
