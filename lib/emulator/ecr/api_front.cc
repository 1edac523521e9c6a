#include "emulator/ecr/api_front.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "emulator/ecr/read_body.h"
#include "emulator/ecr/refusal.h"
#include "emulator/ecr/signature_gate.h"
#include "emulator/respond.h"

namespace davit::emulator {
namespace {

using nlohmann::json;

constexpr std::string_view kPrivate = "AmazonEC2ContainerRegistry_V20150921.";
constexpr std::string_view kPublic = "SpencerFrontendService.";
constexpr std::string_view kContentType = "application/x-amz-json-1.1";
constexpr std::size_t kCallLimit = 32u << 20;  // a layer part of 20 MiB in base64

std::string request_id() {
  static std::atomic<std::uint64_t> next{1};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "00000000-0000-4000-8000-%012llx",
                static_cast<unsigned long long>(next++));
  return text.data();
}

Response answer(int status, std::string body, std::string operation) {
  return {.status = status,
          .headers = {{"Content-Type", std::string(kContentType)}, {"x-amzn-RequestId", request_id()}},
          .body = std::move(body),
          .operation = std::move(operation)};
}

int status_of(const std::string& name, const Modes& modes) {
  for (const char* one :
       {"UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
        "IncompleteSignatureException", "MissingAuthenticationTokenException", "AccessDeniedException"}) {
    if (name == one) return static_cast<int>(modes.number("auth-status"));
  }
  if (name == "ServerException" || name == "InternalFailure") return 500;
  if (name == "ServiceUnavailable") return 503;
  return name == "UnknownOperationException" ? 404 : 400;
}

Response refused(const Refusal& refusal, const Modes& modes, std::string operation) {
  const bool aws_style = refusal.name == "AccessDeniedException";  // some of them say Message
  std::string body = "{\"__type\":" + json_string(refusal.name) +
                     (aws_style ? ",\"Message\":" : ",\"message\":") + json_string(refusal.message) +
                     (refusal.members.empty() ? "" : "," + refusal.members) + "}";
  Response response = answer(status_of(refusal.name, modes), std::move(body), std::move(operation));
  response.headers.push_back({"x-amzn-ErrorType", refusal.name});
  return response;
}

constexpr std::string_view kExponentMark = "@exponent@";

/// Rewrites times as the mode `timestamps` wants them.
void rewrite_times(json& value, bool iso) {
  if (value.is_array()) {
    for (auto& item : value) rewrite_times(item, iso);
  }
  if (!value.is_object()) return;
  for (auto& [name, member] : value.items()) {
    const bool time = member.is_number_float() && (name.ends_with("At") || name.ends_with("Time"));
    if (!time) {
      rewrite_times(member, iso);
    } else if (iso) {
      const auto seconds = static_cast<std::time_t>(member.get<double>());
      std::tm parts{};
      ::gmtime_r(&seconds, &parts);
      std::array<char, 40> text{};
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S+00:00", &parts);
      member = text.data();
    } else {
      std::array<char, 40> text{};
      std::snprintf(text.data(), text.size(), "%.12E", member.get<double>());
      member = std::string(kExponentMark) + text.data() + std::string(kExponentMark);
    }
  }
}

// In the public gallery a repository's name begins with the alias of its registry, which requests leave out,
// or say as registryId, and answers leave out too.
void name_whole(json& input, const std::string& own_alias, const std::string& account) {
  std::string alias = own_alias;
  if (input.contains("registryId") && input["registryId"].is_string() && input["registryId"] != account) {
    alias = input["registryId"];
  }
  const auto extend = [&](json& name) {
    if (name.is_string()) name = alias + "/" + name.get<std::string>();
  };
  if (input.contains("repositoryName")) extend(input["repositoryName"]);
  if (!input.contains("repositoryNames") || !input["repositoryNames"].is_array()) return;
  for (auto& name : input["repositoryNames"]) extend(name);
}

void name_short(json& value, const std::string& alias) {
  if (value.is_array() || value.is_object()) {
    for (auto& item : value) name_short(item, alias);
  }
  if (!value.is_object() || !value.contains("repositoryName")) return;
  const std::string name = value["repositoryName"];
  if (name.starts_with(alias + "/")) value["repositoryName"] = name.substr(alias.size() + 1);
}

std::string written(json value, const Modes& modes) {
  if (modes.is("timestamps", "number")) return value.dump();
  rewrite_times(value, modes.is("timestamps", "iso"));
  std::string text = value.dump();
  for (const std::string& mark : {"\"" + std::string(kExponentMark), std::string(kExponentMark) + "\""}) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark))
      text.erase(at, mark.size());
  }
  return text;
}

}  // namespace

Response api_fault(const Fault& fault) {
  if (fault.kind == Fault::Kind::cut) return {.cut_after = 0};
  if (fault.kind == Fault::Kind::text) {
    return {.status = fault.status, .headers = {{"Content-Type", "text/html"}}, .body = "<html>fault</html>"};
  }
  const char* name = fault.status >= 500 ? (fault.status == 503 ? "ServiceUnavailable" : "ServerException")
                                         : "ThrottlingException";
  Response response = answer(
      fault.status, "{\"__type\":\"" + std::string(name) + "\",\"message\":\"a fault on demand\"}", "");
  if (fault.kind == Fault::Kind::truncate) response.cut_after = fault.after + 1;
  return response;
}

ApiFront::ApiFront(Backend& backend, DownloadUrl download_url)
    : backend_(backend), download_url_(std::move(download_url)) {
  add_registry_operations(operations_);
  add_repository_operations(operations_);
  add_settings_operations(operations_);
  add_layer_operations(operations_);
  add_image_operations(operations_);
  add_job_operations(operations_);
  add_rule_operations(operations_);
  add_gallery_operations(operations_);
}

Response ApiFront::perform(const Request& request, const std::string& body, const std::string& operation,
                           bool for_public) const {
  const Modes modes = backend_.controls().modes();
  const std::string content_type = request.header("Content-Type");
  const auto found = operations_.find(operation);
  const bool missing = for_public ? !is_in_gallery(operation) : is_for_gallery_only(operation);
  if (found == operations_.end() || missing || !content_type.starts_with(kContentType)) {
    throw Refusal{"UnknownOperationException", ""};
  }
  std::vector<std::string> regions{backend_.place().region};
  if (for_public) regions = {"us-east-1"};
  const SignatureFor wanted{for_public ? "ecr-public" : "ecr", regions};
  const Principal caller = signer_of(request, body, wanted, backend_.clock(), modes);
  auto parsed = parse_json(body.empty() ? "{}" : body, {.bytes = kCallLimit});
  if (!parsed || !parsed->is_object()) throw Refusal{"SerializationException", "Invalid JSON syntax"};
  const std::string alias(modes.get("public-alias"));
  if (for_public) name_whole(*parsed, alias, backend_.place().account);
  const Input input(*parsed);
  if (input.has("registryId") && operation != "GetAuthorizationToken") {
    const std::string id = input.text("registryId");
    if (id != backend_.place().account && !for_public) {
      throw Refusal{"RepositoryNotFoundException",
                    "The repository with name '" + input.text_or("repositoryName", "") +
                        "' does not exist in the registry with id '" + id + "'"};
    }
  }
  const ApiCall call{backend_, caller, input, for_public, download_url_, operation};
  json result = found->second(call);
  if (for_public) name_short(result, alias);
  return answer(200, written(std::move(result), modes), operation);
}

Response ApiFront::handle(Request& request) const {
  const std::string target = request.header("X-Amz-Target");
  const bool for_public = target.starts_with(kPublic);
  std::string operation;
  if (for_public) operation = target.substr(kPublic.size());
  if (target.starts_with(kPrivate)) operation = target.substr(kPrivate.size());
  const Modes modes = backend_.controls().modes();
  const auto body = read_body(request, kCallLimit);
  if (!body) return refused({"RequestEntityTooLargeException", "the body is too large"}, modes, operation);
  if (const auto fault = backend_.controls().take_fault(operation)) {
    Response response = api_fault(*fault);
    response.operation = operation;
    return response;
  }
  try {
    return perform(request, *body, operation, for_public);
  } catch (const Refusal& refusal) {
    return refused(refusal, modes, operation);
  } catch (const std::exception& thrown) {
    return refused({"ServerException", thrown.what()}, modes, operation);
  }
}

}  // namespace davit::emulator
