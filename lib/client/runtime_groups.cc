// The exported functions of mobula/runtime_groups.h: questions to the raylet, as JSON (raylet/groups.cc).
#include "mobula/runtime_groups.h"

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "client/current.h"
#include "client/session.h"

namespace mobula::runtime {
namespace {

using Json = nlohmann::json;
using client::Session;

Status ask(const Json &question, Json *answer) {
  Session *const session = client::current_session();
  if (session == nullptr) return client::not_initialized();
  std::string text;
  if (Status status = session->ask_groups(question.dump(-1, ' ', false, Json::error_handler_t::replace), &text)) {
    return status;
  }
  *answer = Json::parse(text, nullptr, false);
  if (!answer->is_discarded()) return nullptr;
  return base::failure(Code::kInvalidArgument, "the raylet's answer about placement groups cannot be read");
}

// The raylet writes all of these fields.
Group to_group(const Json &json) {
  Group group;
  if (!json.is_object()) return group;
  group.id = json.value("id", "");
  group.name = json.value("name", "");
  group.strategy = static_cast<GroupStrategy>(json.value("strategy", 0));
  group.state = static_cast<GroupState>(json.value("state", 0));
  for (const Json &bundle : json.value("bundles", Json::array())) {
    std::vector<Resource> &resources = group.bundles.emplace_back();
    for (const auto &[name, quantity] : bundle.items()) resources.push_back({name, quantity.get<double>()});
  }
  return group;
}

Json with_id(const char *action, std::string_view id) { return {{"do", action}, {"id", std::string(id)}}; }

}  // namespace

Status create_group(const Group &wanted, Group *created) {
  Json bundles = Json::array();
  for (const std::vector<Resource> &bundle : wanted.bundles) {
    Json &json = bundles.emplace_back(Json::object());
    for (const Resource &resource : bundle) json[resource.name] = resource.quantity;
  }
  Json answer;
  const Json question{{"do", "create"},
                      {"name", wanted.name},
                      {"strategy", static_cast<std::uint32_t>(wanted.strategy)},
                      {"bundles", std::move(bundles)}};
  if (Status status = ask(question, &answer)) return status;
  *created = to_group(answer);
  return nullptr;
}

Status remove_group(std::string_view id) {
  Json answer;
  return ask(with_id("remove", id), &answer);
}

Status find_group(std::string_view id, Group *group) {
  Json answer;
  if (Status status = ask(with_id("find", id), &answer)) return status;
  *group = to_group(answer);
  return nullptr;
}

Status find_group_by_name(std::string_view name, Group *group) {
  Json answer;
  if (Status status = ask({{"do", "find_by_name"}, {"name", std::string(name)}}, &answer)) return status;
  *group = to_group(answer);
  return nullptr;
}

Status all_groups(std::vector<Group> *groups) {
  Json answer;
  if (Status status = ask({{"do", "all"}}, &answer)) return status;
  groups->clear();
  for (const Json &group : answer) groups->push_back(to_group(group));
  return nullptr;
}

Status wait_group(std::string_view id, std::int64_t timeout_ms, bool *ready) {
  *ready = false;
  Session *const session = client::current_session();
  return session == nullptr ? client::not_initialized()
                            : session->wait_for_group(id, base::deadline_after_ms(timeout_ms), ready);
}

}  // namespace mobula::runtime

namespace mobula::client {

Status Session::ask_groups(std::string question, std::string *answer) {
  outbox_->wake_raylet();
  wire::GroupsReply reply;
  if (Status status = ask(wire::GroupsRequest{std::move(question)}, &reply)) return status;
  if (reply.code != static_cast<std::uint32_t>(Code::kOk)) {
    return base::failure(static_cast<Code>(reply.code), std::move(reply.message));
  }
  *answer = std::move(reply.json);
  return nullptr;
}

// The raylet settles an object of ours when it knows: a wait as any other, which gives a task's slot back meanwhile.
Status Session::wait_for_group(std::string_view id, std::int64_t deadline_ns, bool *ready) {
  Reference known;
  if (Status status = pending_result(&known)) return status;
  refs::References::share(*known.row_);
  const refs::ObjectName name = name_of(known);
  const nlohmann::json question{
      {"do", "wait"}, {"id", std::string(id)}, {"entry", name.entry}, {"generation", name.generation}};
  std::string answer;
  if (Status status = ask_groups(question.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), &answer)) {
    return status;
  }
  Bytes nothing;
  const Status status = get(known, deadline_ns, &nothing);
  if (status == nullptr || status->code == Code::kRayletDied)
    return base::failure(Code::kRayletDied, "the raylet died");
  *ready = status->code == Code::kOk;
  return nullptr;
}

}  // namespace mobula::client
