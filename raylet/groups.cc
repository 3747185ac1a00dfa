// Questions about placement groups, and what is told about resources: as JSON.
#include <nlohmann/json.hpp>

#include "raylet/raylet.h"

namespace mobula::raylet {
namespace {

using Json = nlohmann::json;

double number_of(std::int64_t units) { return static_cast<double>(units) / static_cast<double>(tasks::kUnitsPerOne); }

Json to_json(const tasks::Quantities &quantities) {
  Json json = Json::object();
  for (const auto &[name, units] : quantities) json[name] = number_of(units);
  return json;
}

Json to_json(const tasks::PlacementGroup *group) {
  if (group == nullptr) return nullptr;
  Json bundles = Json::array();
  for (const tasks::Quantities &bundle : group->request.bundles) bundles.push_back(to_json(bundle));
  return {{"id", group_id(group->number)},
          {"name", group->request.name},
          {"bundles", std::move(bundles)},
          {"strategy", static_cast<int>(group->request.strategy)},
          {"state", static_cast<int>(group->state)}};
}

// What a client sends may be anything.
std::string text_in(const Json &json, const char *key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::uint64_t number_in(const Json &json, const char *key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

bool read_bundles(const Json &json, std::vector<tasks::Quantities> *bundles, std::string *why) {
  const auto found = json.find("bundles");
  if (found == json.end() || !found->is_array()) return true;
  for (const Json &bundle : *found) {
    std::vector<std::pair<std::string, double>> named;
    for (const auto &[name, quantity] : bundle.items()) {
      named.emplace_back(name, quantity.is_number() ? quantity.get<double>() : -1);
    }
    const std::optional<tasks::Quantities> quantities = tasks::read_quantities(named, why);
    if (!quantities) return false;
    bundles->push_back(*quantities);
  }
  return true;
}

wire::GroupsReply reply_to(const Status &status, const Json &json) {
  wire::GroupsReply reply;
  if (status != nullptr) {
    reply.code = static_cast<std::uint32_t>(status->code);
    reply.message = status->message;
  }
  reply.json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return reply;
}

}  // namespace

wire::GroupsReply Raylet::create_group(std::uint32_t job, const std::string &text) {
  const Json json = Json::parse(text, nullptr, false);
  tasks::GroupRequest request;
  request.name = text_in(json, "name");
  request.job = job;
  const std::uint64_t strategy = number_in(json, "strategy");
  request.strategy = static_cast<tasks::GroupStrategy>(std::min<std::uint64_t>(strategy, 3));
  std::string why;
  if (!read_bundles(json, &request.bundles, &why)) {
    return reply_to(base::failure(Code::kInvalidArgument, "a bundle of the placement group: " + why), nullptr);
  }
  tasks::GroupNumber number = 0;
  const Status status = tasks_.create_group(std::move(request), &number);
  return reply_to(status, to_json(tasks_.gate().groups().find(number)));
}

wire::GroupsReply Raylet::answer_groups(const std::shared_ptr<Connection> &connection,
                                        const wire::GroupsRequest &request) {
  const Json json = Json::parse(request.json, nullptr, false);
  const Client *const client = client_at(connection);
  if (!json.is_object() || client == nullptr) {
    return reply_to(base::failure(Code::kInvalidArgument, "the request cannot be understood"), nullptr);
  }
  const tasks::PlacementGroups &groups = tasks_.gate().groups();
  const std::string action = text_in(json, "do");
  const tasks::GroupNumber number = group_number(text_in(json, "id"));
  if (action == "create") return create_group(Tasks::job_of(*client), request.json);
  if (action == "find") return reply_to(nullptr, to_json(groups.find(number)));
  if (action == "find_by_name") return reply_to(nullptr, to_json(groups.find_by_name(text_in(json, "name"))));
  if (action == "remove") {
    tasks_.remove_group(number);
    return reply_to(nullptr, nullptr);
  }
  if (action == "wait") {
    const refs::ObjectName object{static_cast<std::uint32_t>(number_in(json, "entry")), number_in(json, "generation")};
    return reply_to(tasks_.wait_for_group(number, *client, object), nullptr);
  }
  Json all = Json::array();
  for (const tasks::PlacementGroup *group : groups.all()) all.push_back(to_json(group));
  return reply_to(nullptr, all);
}

std::string Raylet::resources_json() {
  Json json = Json::object();
  const tasks::Resources &session = tasks_.gate().session();
  for (const auto &[name, units] : session.totals()) {
    json[name] = {{"total", number_of(units)}, {"used", number_of(session.used_units(name))}};
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mobula::raylet
