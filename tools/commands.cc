#include "tools/commands.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "refs/names.h"
#include "refs/object_id.h"
#include "segment/segment.h"
#include "tools/control.h"
#include "tools/object_digits.h"
#include "tools/sessions.h"
#include "tools/status_text.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using nlohmann::json;

constexpr int kJsonIndent = 2;

const char *address() { return std::getenv("RAY_ADDRESS"); }

Status ask_status(Control &control, json *answer) {
  wire::StatusReply reply;
  if (Status status = control.ask(wire::StatusRequest{}, &reply)) return status;
  *answer = json::parse(reply.json, nullptr, false);
  if (!answer->is_discarded()) return nullptr;
  return base::failure(Code::kInvalidArgument, "the raylet's status is not JSON: it is of another version of Mobula");
}

// As a tool: the raylet hands out its segment, but counts us nowhere.
Status attach(Control &control, std::unique_ptr<segment::Segment> *segment) {
  wire::Hello hello;
  hello.layout_version = segment::kLayoutVersion;
  hello.layout_fingerprint = segment::layout_fingerprint();
  hello.role = wire::Role::kTool;
  wire::Welcome welcome;
  std::vector<base::File> descriptors;
  if (Status status = control.ask(hello, &welcome, &descriptors)) return status;
  if (descriptors.empty())
    return base::failure(Code::kInvalidArgument, "the raylet's welcome came without its segment");
  return segment::Segment::attach(std::move(descriptors[0]), segment);
}

// Port 0: no metrics are served.
std::string how_to_go_on(const std::string &session, int raylet_pid, std::uint64_t workers, std::uint64_t memory_bytes,
                         std::uint64_t metrics_port) {
  return fmt::format(
      "Session {0} is ready: raylet pid {1}, up to {2} at a time, an object store of {3}.\n"
      "  Connect   RAY_ADDRESS={0} ./program\n"
      "            or in the program: ray::RayConfig config; config.address = \"{0}\"; ray::Init(config);\n"
      "  Look      mobula status --session {0}\n"
      "{4}"
      "  Stop      mobula stop --session {0}\n",
      session, raylet_pid, format_count(workers, "task"), base::format_bytes(memory_bytes),
      metrics_port == 0 ? "" : fmt::format("  Metrics   http://127.0.0.1:{}/metrics\n", metrics_port));
}

}  // namespace

Status connect(const Choice &choice, Control *control) {
  std::vector<std::string> running;
  if (Status status = running_sessions(&running)) return status;
  std::string session;
  if (Status status = choose_session(choice.session, address(), running, &session)) return status;
  Status status = Control::connect(session, control);
  if (status != nullptr && !running.empty()) {
    status->message += fmt::format(". Running now: {}", fmt::join(running, ", "));
  }
  return status;
}

Status start(const Choice &choice, StartOptions options, std::ostream &output) {
  options.session = session_to_start(choice.session, address());
  if (Status status = start_raylet(options)) return status;
  Control control;
  if (Status status = Control::connect(options.session, &control)) return status;
  json answer;
  if (Status status = ask_status(control, &answer)) return status;
  const auto workers = answer["raylet"].value("workers", std::uint64_t{0});
  const auto memory_bytes = answer["store"].value("capacity_bytes", std::uint64_t{0});
  const auto metrics_port = answer["raylet"].value("metrics_port", std::uint64_t{0});
  if (!choice.json) {
    output << how_to_go_on(options.session, control.raylet_pid(), workers, memory_bytes, metrics_port);
    return nullptr;
  }
  json started = {{"session", options.session},
                  {"raylet", {{"pid", control.raylet_pid()}, {"workers", workers}}},
                  {"store", {{"capacity_bytes", memory_bytes}}}};
  if (metrics_port != 0) started["raylet"]["metrics_port"] = metrics_port;
  output << started.dump(kJsonIndent) << "\n";
  return nullptr;
}

Status stop(const Choice &choice, std::ostream &output) {
  Control control;
  if (Status status = connect(choice, &control)) return status;
  if (Status status = control.stop()) return status;
  if (choice.json) {
    const json stopped = {
        {"session", control.session()}, {"raylet", {{"pid", control.raylet_pid()}}}, {"stopped", true}};
    output << stopped.dump(kJsonIndent) << "\n";
  } else {
    output << fmt::format("Session {} is stopped (raylet pid {}).\n", control.session(), control.raylet_pid());
  }
  return nullptr;
}

Status status(const Choice &choice, std::ostream &output) {
  Control control;
  if (Status status = connect(choice, &control)) return status;
  json answer;
  if (Status status = ask_status(control, &answer)) return status;
  output << (choice.json ? answer.dump(kJsonIndent) + "\n" : status_text(answer));
  return nullptr;
}

Status pin(const Choice &choice, const std::string &object, bool wanted, std::ostream &output) {
  Control control;
  if (Status status = connect(choice, &control)) return status;
  std::unique_ptr<segment::Segment> segment;
  if (Status status = attach(control, &segment)) return status;
  const std::optional<std::string> id = id_of_digits(object);
  const std::optional<refs::ObjectName> name =
      id ? refs::decode_id(segment->header().epoch, *id) : std::optional<refs::ObjectName>();
  if (!name) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("'{}' is no object id of session {}: give one as `mobula memory` lists it", object,
                                     control.session()));
  }
  wire::PinReply reply;
  if (Status status = control.ask(wire::PinRequest{name->entry, name->generation, wanted}, &reply)) return status;
  if (!reply.done) return base::failure(Code::kObjectLost, fmt::format("object {}: {}", object, reply.message));
  if (choice.json) {
    const json done = {{"session", control.session()}, {"object", object}, {"pinned", wanted}};
    output << done.dump(kJsonIndent) << "\n";
  } else {
    output << fmt::format("Object {} is {}.\n", object, reply.message);
  }
  return nullptr;
}

Status evict(const Choice &choice, std::optional<std::uint64_t> bytes, std::ostream &output) {
  Control control;
  if (Status status = connect(choice, &control)) return status;
  wire::EvictReply reply;
  if (Status status = control.ask(wire::EvictRequest{bytes.value_or(~0ull)}, &reply)) return status;
  if (choice.json) {
    const json evicted = {{"session", control.session()}, {"objects", reply.objects}, {"bytes", reply.bytes}};
    output << evicted.dump(kJsonIndent) << "\n";
  } else {
    output << fmt::format("Evicted {}, {}.\n", format_count(reply.objects, "object"), base::format_bytes(reply.bytes));
  }
  return nullptr;
}

Status names(const Choice &choice, std::ostream &output) {
  Control control;
  if (Status status = connect(choice, &control)) return status;
  std::unique_ptr<segment::Segment> segment;
  if (Status status = attach(control, &segment)) return status;
  json list = json::array();
  Table table({{"OBJECT ID"}, {"NAME"}});
  for (const refs::ListedName &one : refs::list_names(*segment)) {
    const std::string object = digits_of(refs::encode_id(segment->header().epoch, one.object));
    list.push_back({{"name", one.name}, {"object", object}});
    table.add({object, one.name});
  }
  const json answer = {{"session", control.session()}, {"names", list}};
  // Names may hold any bytes.
  constexpr auto kReplace = json::error_handler_t::replace;
  output << (choice.json ? answer.dump(kJsonIndent, ' ', false, kReplace) + "\n" : table.text());
  return nullptr;
}

Status unpublish(const Choice &choice, const std::string &name, std::ostream &output) {
  Control control;
  if (Status status = connect(choice, &control)) return status;
  std::unique_ptr<segment::Segment> segment;
  if (Status status = attach(control, &segment)) return status;
  std::vector<std::string> wanted;
  if (!name.empty()) wanted.push_back(name);
  if (name.empty()) {
    for (refs::ListedName &one : refs::list_names(*segment)) wanted.push_back(std::move(one.name));
  }
  std::uint64_t count = 0;
  for (const std::string &one : wanted) {
    wire::UnpublishReply reply;
    if (Status status = control.ask(wire::UnpublishRequest{one}, &reply)) return status;
    count += reply.done ? 1 : 0;
  }
  if (!name.empty() && count == 0) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("no object of session {} has the name '{}'", control.session(), name));
  }
  const json answer = {{"session", control.session()}, {"unpublished", count}};
  output << (choice.json ? answer.dump(kJsonIndent) + "\n"
                         : fmt::format("Took off {}.\n", format_count(count, "name")));
  return nullptr;
}

Status collect(const Choice &choice, std::ostream &output) {
  Control control;
  if (Status status = connect(choice, &control)) return status;
  wire::CollectReply reply;
  if (Status status = control.ask(wire::CollectRequest{}, &reply)) return status;
  const json freed = json::parse(reply.json, nullptr, false);
  if (freed.is_discarded()) return base::failure(Code::kInvalidArgument, "the raylet's answer is not JSON");
  if (choice.json) {
    const json answer = {
        {"session", control.session()}, {"objects", reply.objects}, {"bytes", reply.bytes}, {"freed", freed}};
    output << answer.dump(kJsonIndent) << "\n";
    return nullptr;
  }
  output << fmt::format("Freed {} that only referred to each other, {}.\n", format_count(reply.objects, "object"),
                        base::format_bytes(reply.bytes));
  for (const json &object : freed) {
    output << fmt::format("  {}  {}, made by pid {}\n", object.value("id", ""),
                          base::format_bytes(object.value("size", std::uint64_t{0})), object.value("creator_pid", 0u));
  }
  if (reply.objects > freed.size()) output << fmt::format("  and {} more\n", reply.objects - freed.size());
  return nullptr;
}

}  // namespace mobula::tools
