#include "config/configuration.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include <yaml-cpp/yaml.h>

#include <davit/reference.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "config/registries_field.h"
#include "config/yaml_document.h"

namespace davit::config {
namespace {

/// "8/s", "0.5/s", "300/m", "5000/h": in a second.
Setter rate(double& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    const bool some = node.IsScalar() && !node.Scalar().empty();
    DAVIT_TRY(const std::string text, some ? text_of(node, place) : Result<std::string>(std::string()));
    const std::map<std::string_view, double> units{{"/s", 1}, {"/m", 60}, {"/h", 3600}};
    double number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto unit = units.find(std::string_view(text).substr(static_cast<std::size_t>(end - text.data())));
    constexpr double kMost = 1e6;
    if (problem != std::errc{} || unit == units.end() || !(number > 0 && number <= kMost))
      return place.wrong(node, "wants a rate such as 8/s, 300/m or 5000/h");
    into = number / unit->second;
    return {};
  };
}

Result<RequestLimits> limits_of(const YAML::Node& node, const Place& place) {
  RequestLimits limits;
  DAVIT_TRY_VOID(read_mapping(node, place,
                              {{"requests", rate(limits.requests)},
                               {"check_blob", rate(limits.check_blob)},
                               {"read_blob", rate(limits.read_blob)},
                               {"read_manifest", rate(limits.read_manifest)},
                               {"begin_upload", rate(limits.begin_upload)},
                               {"finish_upload", rate(limits.finish_upload)},
                               {"put_manifest", rate(limits.put_manifest)},
                               {"concurrency", count(limits.concurrency, 1, 10'000)}}));
  return limits;
}

Result<EcrRegistry> ecr_of(const YAML::Node& node, const Place& place) {
  EcrRegistry ecr;
  DAVIT_TRY_VOID(read_mapping(node, place,
                              {{"account", text(ecr.account)},
                               {"region", text(ecr.region)},
                               {"api_endpoint", text(ecr.api_endpoint)}}));
  if (ecr.account.size() != 12 || !std::ranges::all_of(ecr.account, is_digit))
    return place.at("account").wrong(node, "wants the 12 digits of an AWS account, in quotes");
  if (ecr.region.empty()) return place.at("region").wrong(node, "is missing");
  return ecr;
}

Result<Registry> registry_of(const YAML::Node& node, const Place& place) {
  Registry out;
  RegistryOptions& options = out.options;
  DAVIT_TRY_VOID(read_mapping(node, place,
                              {{"profile", text(options.aws.profile)},
                               {"role_arn", text(options.aws.role_arn)},
                               {"region", text(options.aws.region)},
                               {"creds_env", text(out.credentials_variable)},
                               {"helper", text(out.helper)},
                               {"ca_file", text(options.ca_file)},
                               {"cert_file", text(options.cert_file)},
                               {"key_file", text(options.key_file)},
                               {"cert_dir", text(options.certificate_directory)},
                               {"plain_http", stored(options.plain_http, truth_of)},
                               {"tls_verify", truth(options.verify_tls)},
                               {"allow_realms", stored(options.allow_realms, texts_of)},
                               {"limits", stored(options.limits, limits_of)},
                               {"ecr", stored(options.ecr, ecr_of)}}));
  if (options.cert_file.empty() != options.key_file.empty())
    return place.wrong(node, "has only one of cert_file and key_file");
  if (!out.credentials_variable.empty() && !out.helper.empty())
    return place.wrong(node, "has both creds_env and helper");
  // Whoever speaks of certificates means TLS, on loopback too.
  if (!options.plain_http && (!options.ca_file.empty() || !options.certificate_directory.empty()))
    options.plain_http = false;
  return out;
}

}  // namespace

Result<std::map<std::string, Registry>> registries_of(const YAML::Node& node, const Place& place) {
  std::map<std::string, Registry> out;
  if (node.IsNull()) return out;
  if (!node.IsMap()) return place.wrong(node, "wants a mapping of hosts");
  DAVIT_TRY(const Entries entries, entries_of(node, place));
  for (const auto& entry : entries) {
    const std::string& host = entry.first.Scalar();
    const auto name = Reference::parse_registry(host);
    if (!name) return place.wrong(entry.first, "has a key that is no host: " + name.error().message);
    DAVIT_TRY(Registry registry, registry_of(entry.second, place.at(host)));
    if (!out.emplace(*name, std::move(registry)).second)
      return place.wrong(entry.first, "has \"" + host + "\" twice");
  }
  return out;
}

Result<Configuration> parse_configuration(std::string_view text, const std::string& name) {
  Configuration out;
  DAVIT_TRY_VOID(
      read_document(text, name, {}, [&](const YAML::Node& root, const std::string& file) -> Result<> {
        return read_mapping(root, {file, ""},
                            {{"registries", [&](const YAML::Node& node, const Place& place) -> Result<> {
                                DAVIT_TRY(out.registries, registries_of(node, place));
                                return {};
                              }}});
      }));
  return out;
}

Result<std::optional<std::string>> read_configuration_file(const std::string& path, std::size_t most) {
  std::error_code problem;
  const std::filesystem::file_status status = std::filesystem::status(path, problem);
  if (status.type() == std::filesystem::file_type::not_found) return std::optional<std::string>();
  const auto unreadable = [&](const std::string& why) {
    return make_error(Errc::local_io, "read " + escaped(path, 300) + ": " + why);
  };
  if (status.type() == std::filesystem::file_type::directory) return unreadable("a directory");
  std::ifstream file(path, std::ios::binary);
  if (!file) return unreadable("it cannot be opened");
  std::string text(most + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return unreadable("it cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return std::optional(std::move(text));
}

}  // namespace davit::config
