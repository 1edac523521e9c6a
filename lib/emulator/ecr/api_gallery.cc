// What only the public gallery has.
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"

namespace davit::emulator {
namespace {

using nlohmann::json;

json describe_registries(const ApiCall& call) {
  call.admit();
  const Place& place = call.backend.place();
  const std::string alias = call.own_alias();
  const json own = {{"registryId", place.account},
                    {"registryArn", "arn:aws:ecr-public::" + place.account + ":registry/" + place.account},
                    {"registryUri", place.registry + "/" + alias},
                    {"verified", false},
                    {"aliases",
                     {{{"name", alias},
                       {"status", "ACTIVE"},
                       {"primaryRegistryAlias", true},
                       {"defaultRegistryAlias", true}}}}};
  return paged(call.input, "registries", {own});
}

json registry_catalog(const ApiCall& call) {
  const std::string name = call.backend.settings().display_name;
  return {{"registryCatalogData", name.empty() ? json::object() : json{{"displayName", name}}}};
}

json get_registry_catalog_data(const ApiCall& call) {
  call.admit();
  return registry_catalog(call);
}

json put_registry_catalog_data(const ApiCall& call) {
  const std::string name = call.input.text_or("displayName", "");
  if (name.size() > 100)
    throw invalid_parameter("displayName", "Member must have length less than or equal to 100");
  call.admit();
  call.backend.change_settings([&](RegistrySettings& settings) { settings.display_name = name; });
  return registry_catalog(call);
}

json get_repository_catalog_data(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  const std::string text = call.backend.find(name).catalog;
  if (text.empty()) {
    throw Refusal{"RepositoryCatalogDataNotFoundException",
                  "The repository with name '" + name + "' has no catalog data"};
  }
  return {{"catalogData", *parse_json(text)}};
}

json put_repository_catalog_data(const ApiCall& call) {
  const auto wanted = call.input.object("catalogData");
  if (!wanted) throw invalid_parameter("catalogData", "Member must not be null");
  const json made = catalog_data(*wanted);
  const std::string name = call.admitted_repository();
  call.backend.change(name, [&](RepositoryRecord& record) { record.catalog = made.dump(); });
  return {{"catalogData", made}};
}

}  // namespace

json catalog_data(const Input& input) {
  json out = json::object();
  input.copy_to(out, {"description", "architectures", "operatingSystems", "aboutText", "usageText"});
  for (const char* name : {"description", "aboutText", "usageText"})
    static_cast<void>(input.text_or(name, ""));
  for (const char* name : {"architectures", "operatingSystems"}) static_cast<void>(input.texts(name, 0, 50));
  return out;
}

bool is_for_gallery_only(std::string_view operation) {
  for (const std::string_view one :
       {"DescribeImageTags", "DescribeRegistries", "GetRegistryCatalogData", "GetRepositoryCatalogData",
        "PutRegistryCatalogData", "PutRepositoryCatalogData"}) {
    if (one == operation) return true;
  }
  return false;
}

bool is_in_gallery(std::string_view operation) {
  for (const std::string_view one :
       {"BatchCheckLayerAvailability", "BatchDeleteImage", "CompleteLayerUpload", "CreateRepository",
        "DeleteRepository", "DeleteRepositoryPolicy", "DescribeImages", "DescribeRepositories",
        "GetAuthorizationToken", "GetRepositoryPolicy", "InitiateLayerUpload", "ListTagsForResource",
        "PutImage", "SetRepositoryPolicy", "TagResource", "UntagResource", "UploadLayerPart"}) {
    if (one == operation) return true;
  }
  return is_for_gallery_only(operation);
}

void add_gallery_operations(ApiOperations& all) {
  all["DescribeRegistries"] = describe_registries;
  all["GetRegistryCatalogData"] = get_registry_catalog_data;
  all["PutRegistryCatalogData"] = put_registry_catalog_data;
  all["GetRepositoryCatalogData"] = get_repository_catalog_data;
  all["PutRepositoryCatalogData"] = put_repository_catalog_data;
}

}  // namespace davit::emulator
