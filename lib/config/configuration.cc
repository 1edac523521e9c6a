#include "config/configuration.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <davit/reference.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::config {
namespace {

constexpr std::size_t kMostBytes = 1u << 20;

/// The place of what is wrong, for people.
struct Place {
  const std::string& file;
  std::string path;  // "registries.example.com.profile"

  [[nodiscard]] Error wrong(const YAML::Node& node, const std::string& why) const {
    std::string where = file;
    if (const YAML::Mark mark = node.Mark(); !mark.is_null()) where += ":" + std::to_string(mark.line + 1);
    return make_error(Errc::invalid_argument,
                      where + ": " + (path.empty() ? "" : escaped(path, 200) + " ") + why,
                      "docs/configuration.md and davit(1) describe the file");
  }
  [[nodiscard]] Place at(const std::string& key) const {
    return {file, path.empty() ? key : path + "." + key};
  }
};

using Setter = std::function<Result<>(const YAML::Node&, const Place&)>;

Result<std::string> text_of(const YAML::Node& node, const Place& place) {
  if (!node.IsScalar() || node.Scalar().empty()) return place.wrong(node, "wants a text");
  const std::string& text = node.Scalar();
  if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return place.wrong(node, "must not hold control characters");
  return text;
}

Setter text(std::string& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    DAVIT_TRY(into, text_of(node, place));
    return {};
  };
}

Result<bool> truth_of(const YAML::Node& node, const Place& place) {
  if (node.IsScalar() && node.Scalar() == "true") return true;
  if (node.IsScalar() && node.Scalar() == "false") return false;
  return place.wrong(node, "is true or false");
}

/// Goes through a mapping; each key once, none that `known` does not have.
Result<> read_mapping(const YAML::Node& node, const Place& place,
                      const std::map<std::string, Setter>& known) {
  if (node.IsNull()) return {};
  if (!node.IsMap()) return place.wrong(node, "wants a mapping");
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return place.wrong(entry.first, "has a key that is no text");
    const std::string& key = entry.first.Scalar();
    const auto setter = known.find(key);
    if (setter == known.end()) {
      std::string all;
      for (const auto& [name, unused] : known) all += (all.empty() ? "" : ", ") + name;
      return place.wrong(entry.first, "does not know \"" + escaped(key, 60) + "\"; it knows " + all);
    }
    if (!seen.insert(key).second) return place.wrong(entry.first, "has \"" + key + "\" twice");
    DAVIT_TRY_VOID(setter->second(entry.second, place.at(key)));
  }
  return {};
}

/// "8/s", "0.5/s", "300/m", "5000/h": in a second.
Setter rate(double& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    const std::string text = node.IsScalar() ? node.Scalar() : std::string();
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

Setter count(std::size_t& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    const std::string text = node.IsScalar() ? node.Scalar() : std::string();
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), into);
    constexpr std::size_t kMost = 10'000;
    if (problem != std::errc{} || end != text.data() + text.size() || into == 0 || into > kMost)
      return place.wrong(node, "wants a number from 1 to " + std::to_string(kMost));
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
                               {"concurrency", count(limits.concurrency)}}));
  return limits;
}

Result<EcrRegistry> ecr_of(const YAML::Node& node, const Place& place) {
  EcrRegistry ecr;
  DAVIT_TRY_VOID(read_mapping(node, place,
                              {{"account", text(ecr.account)},
                               {"region", text(ecr.region)},
                               {"api_endpoint", text(ecr.api_endpoint)}}));
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (ecr.account.size() != 12 || !std::ranges::all_of(ecr.account, is_digit))
    return place.at("account").wrong(node, "wants the 12 digits of an AWS account, in quotes");
  if (ecr.region.empty()) return place.at("region").wrong(node, "is missing");
  return ecr;
}

Result<std::vector<std::string>> texts_of(const YAML::Node& node, const Place& place) {
  if (!node.IsSequence()) return place.wrong(node, "wants a list");
  std::vector<std::string> out;
  for (const YAML::Node& each : node) {
    DAVIT_TRY(out.emplace_back(), text_of(each, place));
  }
  return out;
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
                               {"plain_http",
                                [&](const YAML::Node& value, const Place& at) -> Result<> {
                                  DAVIT_TRY(options.plain_http, truth_of(value, at));
                                  return {};
                                }},
                               {"tls_verify",
                                [&](const YAML::Node& value, const Place& at) -> Result<> {
                                  DAVIT_TRY(options.verify_tls, truth_of(value, at));
                                  return {};
                                }},
                               {"allow_realms",
                                [&](const YAML::Node& value, const Place& at) -> Result<> {
                                  DAVIT_TRY(options.allow_realms, texts_of(value, at));
                                  return {};
                                }},
                               {"limits",
                                [&](const YAML::Node& value, const Place& at) -> Result<> {
                                  DAVIT_TRY(options.limits, limits_of(value, at));
                                  return {};
                                }},
                               {"ecr", [&](const YAML::Node& value, const Place& at) -> Result<> {
                                  DAVIT_TRY(options.ecr, ecr_of(value, at));
                                  return {};
                                }}}));
  if (options.cert_file.empty() != options.key_file.empty())
    return place.wrong(node, "has only one of cert_file and key_file");
  if (!out.credentials_variable.empty() && !out.helper.empty())
    return place.wrong(node, "has both creds_env and helper");
  // Whoever speaks of certificates means TLS, on loopback too.
  if (!options.plain_http && (!options.ca_file.empty() || !options.certificate_directory.empty()))
    options.plain_http = false;
  return out;
}

Result<std::map<std::string, Registry>> registries_of(const YAML::Node& node, const Place& place) {
  std::map<std::string, Registry> out;
  if (node.IsNull()) return out;
  if (!node.IsMap()) return place.wrong(node, "wants a mapping of hosts");
  for (const auto& entry : node) {
    const std::string host = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    const auto name = Reference::parse_registry(host);
    if (!name) return place.wrong(entry.first, "has a key that is no host: " + name.error().message);
    DAVIT_TRY(Registry registry, registry_of(entry.second, place.at(host)));
    if (!out.emplace(*name, std::move(registry)).second)
      return place.wrong(entry.first, "has \"" + host + "\" twice");
  }
  return out;
}

Result<Configuration> read(const YAML::Node& document, const std::string& name) {
  Configuration out;
  DAVIT_TRY_VOID(read_mapping(document, {name, ""},
                              {{"registries", [&](const YAML::Node& node, const Place& place) -> Result<> {
                                  DAVIT_TRY(out.registries, registries_of(node, place));
                                  return {};
                                }}}));
  return out;
}

/// Hears of a document and keeps nothing.
class Deaf final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

/// YAML::LoadAll() never comes back from some texts that are no YAML.
bool has_second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Deaf handler;
  return parser.HandleNextDocument(handler) && parser.HandleNextDocument(handler);
}

}  // namespace

Result<Configuration> parse_configuration(std::string_view text, const std::string& name) {
  const std::string file = escaped(name, 300);
  if (text.size() > kMostBytes)
    return make_error(Errc::invalid_argument, file + ": more than " + std::to_string(kMostBytes) + " bytes");
  try {
    if (has_second_document(std::string(text)))
      return make_error(Errc::invalid_argument, file + ": more than one YAML document");
    return read(YAML::Load(std::string(text)), file);
  } catch (const YAML::ParserException& problem) {
    return make_error(Errc::invalid_argument, file + ":" + std::to_string(problem.mark.line + 1) +
                                                  ": not YAML: " + escaped(problem.msg, 120));
  } catch (const YAML::Exception& problem) {
    return make_error(Errc::invalid_argument, file + ": " + escaped(problem.msg, 120));
  }
}

Result<std::optional<std::string>> read_configuration_file(const std::string& path) {
  std::error_code problem;
  const std::filesystem::file_status status = std::filesystem::status(path, problem);
  if (status.type() == std::filesystem::file_type::not_found) return std::optional<std::string>();
  const auto unreadable = [&](const std::string& why) {
    return make_error(Errc::local_io, "read " + escaped(path, 300) + ": " + why);
  };
  if (status.type() == std::filesystem::file_type::directory) return unreadable("a directory");
  std::ifstream file(path, std::ios::binary);
  if (!file) return unreadable("it cannot be opened");
  std::string text(kMostBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return unreadable("it cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return std::optional(std::move(text));
}

}  // namespace davit::config
