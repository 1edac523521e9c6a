// Who may come in, where a request goes, and how a refusal looks.
#include "emulator/ecr/registry_front.h"

#include <algorithm>
#include <array>
#include <utility>

#include <davit/reference.h>

#include "crypto/base64.h"
#include "emulator/respond.h"

namespace davit::emulator {
namespace {

constexpr const char* kPublicInvalid = "Your Authorization Token is invalid.";

/// The registry's code and status for what the API calls by a name.
struct Code {
  std::string_view exception;
  std::string_view code;
  int status;
};
constexpr std::array kCodes{
    Code{"AccessDeniedException", "DENIED", 403},
    Code{"ThrottlingException", "TOOMANYREQUESTS", 429},
    Code{"RepositoryNotFoundException", "NAME_UNKNOWN", 404},
    Code{"ImageNotFoundException", "MANIFEST_UNKNOWN", 404},
    Code{"ImageTagAlreadyExistsException", "TAG_INVALID", 400},
    Code{"ImageDigestDoesNotMatchException", "DIGEST_INVALID", 400},
    Code{"ImageReferencedByManifestListException", "DENIED", 403},
    Code{"LimitExceededException", "DENIED", 403},
    Code{"LayersNotFoundException", "BLOB_UPLOAD_UNKNOWN", 404},
    Code{"ReferencedImagesNotFoundException", "MANIFEST_BLOB_UNKNOWN", 404},
    Code{"InvalidParameterException", "UNSUPPORTED", 405},
    Code{"InvalidLayerException", "BLOB_UPLOAD_INVALID", 400},
    Code{"EmptyUploadException", "BLOB_UPLOAD_INVALID", 400},
    Code{"LayerPartTooSmallException", "BLOB_UPLOAD_INVALID", 400},
    Code{"InvalidLayerPartException", "BLOB_UPLOAD_INVALID", 416},
    Code{"UploadNotFoundException", "BLOB_UPLOAD_UNKNOWN", 404},
    Code{"BlobNotFound", "BLOB_UNKNOWN", 404},
    Code{"NameInvalid", "NAME_INVALID", 400},
};

Response plain_text(int status, std::string body) {
  return {
      .status = status, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = std::move(body)};
}

}  // namespace

std::optional<RegistryFront::Call> RegistryFront::read_call(Request& request) {
  constexpr std::string_view kRoot = "/v2/";
  if (!request.path.starts_with(kRoot)) return std::nullopt;
  const std::string rest = request.path.substr(kRoot.size());
  const std::string& method = request.method;
  const bool reads = method == "GET" || method == "HEAD";
  Call call{.request = request};
  if (rest.empty() || rest == "_catalog") {
    if (!reads) return std::nullopt;
    call.what = rest.empty() ? What::root : What::catalog;
    call.operation = rest.empty() ? "" : "DescribeRepositories";
    return call;
  }
  struct Form {
    std::string_view infix;
    What what;
    std::array<std::string_view, 5> operations;  ///< of GET, HEAD, POST or PATCH, PUT, DELETE; empty: no such
  };
  constexpr std::string_view kNone = "-";  // no operation of the API, but a route
  constexpr std::array<Form, 5> kForms{
      {{"/blobs/uploads/", What::upload, {kNone, "", "InitiateLayerUpload", "CompleteLayerUpload", kNone}},
       {"/blobs/", What::blob, {"GetDownloadUrlForLayer", "BatchCheckLayerAvailability", "", "", kNone}},
       {"/manifests/",
        What::manifest,
        {"BatchGetImage", "BatchGetImage", "", "PutImage", "BatchDeleteImage"}},
       {"/tags/list", What::tags, {"ListImages", "ListImages", "", "", ""}},
       {"/referrers/", What::referrers, {"BatchGetImage", "BatchGetImage", "", "", ""}}}};
  for (const auto& form : kForms) {
    const auto at = rest.rfind(form.infix);
    if (at == std::string::npos) continue;
    call.what = form.what;
    call.repository = rest.substr(0, at);
    call.name = percent_decoded(rest.substr(at + form.infix.size()));
    constexpr std::array<std::string_view, 5> kMethods{"GET", "HEAD", "POST", "PUT", "DELETE"};
    const bool patches = method == "PATCH" && form.what == What::upload;
    const auto which =
        std::ranges::find(kMethods, patches ? std::string_view("POST") : std::string_view(method));
    if (which == kMethods.end()) return std::nullopt;
    call.operation = form.operations[static_cast<std::size_t>(which - kMethods.begin())];
    if (call.operation.empty()) return std::nullopt;
    if (call.operation == kNone) call.operation.clear();
    if (patches) call.operation = "UploadLayerPart";
    if (form.what == What::upload && call.name.empty() != (method == "POST")) return std::nullopt;
    return call;
  }
  return std::nullopt;
}

Response RegistryFront::refused(const Refusal& refusal, const Call& call) {
  const auto known = std::ranges::find(kCodes, refusal.name, &Code::exception);
  std::string code(known == kCodes.end() ? "UNKNOWN" : known->code);
  int status = known == kCodes.end() ? 500 : known->status;
  Headers headers;
  if (refusal.name == "LayersNotFoundException" || refusal.name == "ReferencedImagesNotFoundException") {
    status = static_cast<int>(call.modes.number("missing-content"));
  }
  if (refusal.name == "LayerPartTooSmallException") code = call.modes.get("small-part-code");
  if (status == 429 && call.modes.number("retry-after") > 0) {
    headers.push_back({"Retry-After", std::string(call.modes.get("retry-after"))});
  }
  const bool not_there = refusal.name == "ImageNotFoundException";
  return emulator::refusal(status, code, not_there ? "Requested image not found" : refusal.message,
                           std::move(headers));
}

Response RegistryFront::broken(const Fault& fault, Response response) {
  switch (fault.kind) {
    case Fault::Kind::status: {
      if (fault.status == 401) return plain_text(401, "Not Authorized\n");
      const char* code = fault.status == 429 ? "TOOMANYREQUESTS" : fault.status == 403 ? "DENIED" : "UNKNOWN";
      return emulator::refusal(fault.status, code,
                               fault.status == 429 ? "Rate exceeded" : "a fault on demand");
    }
    case Fault::Kind::text:
      return plain_text(fault.status, fault.status == 404 ? "404 page not found\n" : "a fault on demand\n");
    case Fault::Kind::cut:
      return {.cut_after = 0};
    case Fault::Kind::truncate:
      response.cut_after = fault.after;
      return response;
    case Fault::Kind::corrupt:
      if (!response.body.empty()) {
        char& byte = response.body[response.body.size() / 2];
        byte = static_cast<char>(byte ^ 1);
      }
      return response;
  }
  return response;
}

std::optional<Response> RegistryFront::refuse_stranger(Call& call) {
  const std::string authorization = call.request.header("Authorization");
  const Place& place = backend_.place();
  const auto now = backend_.clock().now();
  if (call.is_public()) {
    constexpr std::string_view kBearer = "Bearer ";
    if (authorization.empty()) {
      return emulator::refusal(
          401, "UNAUTHORIZED", "authentication required",
          {{"Www-Authenticate", "Bearer realm=\"" + place.registry_url + "/token/\",service=\"" +
                                    place.registry + "\",scope=\"aws\""}});
    }
    std::string bearer = authorization.starts_with(kBearer) ? authorization.substr(kBearer.size()) : "";
    if (call.modes.is("public-basic-token", "accept")) {
      const auto plain = crypto::base64_decode(bearer);
      if (plain && plain->starts_with("AWS:")) bearer = plain->substr(4);
    }
    const auto token = read_token(bearer);
    if (!token || !token->for_public || now >= token->expires) {
      return emulator::refusal(400, code::kDenied, kPublicInvalid);
    }
    if (call.what == What::blob && call.request.method == "HEAD") return plain_text(401, "Not Authorized\n");
    call.arn = token->arn;
    return std::nullopt;
  }
  constexpr std::string_view kBasic = "Basic ";
  if (!authorization.starts_with(kBasic)) {
    Response stranger = plain_text(401, "Not Authorized\n");
    stranger.headers.push_back(
        {"Www-Authenticate", "Basic realm=\"" + place.registry_url + "/\",service=\"ecr.amazonaws.com\""});
    stranger.headers.push_back({"Sizes", ""});
    return stranger;
  }
  const auto plain = crypto::base64_decode(std::string_view(authorization).substr(kBasic.size()));
  constexpr std::string_view kUser = "AWS:";
  const auto token =
      plain && plain->starts_with(kUser) ? read_token(plain->substr(kUser.size())) : std::nullopt;
  if (!token || token->for_public || token->region != place.region) {
    return emulator::refusal(400, code::kDenied, kPublicInvalid);
  }
  if (now >= token->expires) {
    return emulator::refusal(403, code::kDenied,
                             "Your authorization token has expired. Reauthenticate and try again.");
  }
  call.arn = token->arn;
  return std::nullopt;
}

Response RegistryFront::token(const Request& request) {
  // Anybody gets one, and whoever shows a token of GetAuthorizationToken gets one in its own name.
  std::string arn;
  constexpr std::string_view kBasic = "Basic ";
  const std::string authorization = request.header("Authorization");
  const auto now = backend_.clock().now();
  if (authorization.starts_with(kBasic)) {
    const auto plain = crypto::base64_decode(std::string_view(authorization).substr(kBasic.size()));
    const auto held = plain && plain->starts_with("AWS:") ? read_token(plain->substr(4)) : std::nullopt;
    if (!held || !held->for_public || now >= held->expires) {
      return emulator::refusal(400, code::kDenied, kPublicInvalid);
    }
    arn = held->arn;
  }
  constexpr std::chrono::seconds kLife{3600};
  const std::string token = write_token({.account = backend_.place().account,
                                         .region = "us-east-1",
                                         .arn = arn,
                                         .for_public = true,
                                         .expires = now + kLife});
  const bool says = backend_.controls().modes().is("public-expires-in", "present");
  return {.headers = {{"Content-Type", "application/json"}},
          .body = "{\"token\":" + json_string(token) + (says ? ",\"expires_in\":3600" : "") + "}"};
}

void RegistryFront::admit(const Call& call, const std::string& operation) {
  backend_.controls().admit(operation, call.repository, call.arn.empty() ? "anonymous" : call.arn,
                            backend_.place());
}

void RegistryFront::require_repository(const Call& call) const {
  if (!backend_.has(call.repository)) throw backend_.no_repository(call.repository);
}

Response RegistryFront::route(const Call& call) {
  const std::string& method = call.request.method;
  switch (call.what) {
    case What::root:
      return {.headers = {{"Content-Type", "application/json"}}, .body = "{}"};
    case What::catalog:
      return catalog(call);
    case What::upload:
      if (method == "POST") return upload_post(call);
      if (method == "PATCH") return upload_patch(call);
      if (method == "PUT") return upload_put(call);
      return upload_other(call);
    case What::blob:
      return method == "DELETE" ? blob_delete(call) : blob_get(call);
    case What::manifest:
      if (method == "PUT") return manifest_put(call);
      return method == "DELETE" ? manifest_delete(call) : manifest_get(call);
    case What::tags:
      return tags_list(call);
    case What::referrers:
      return referrers(call);
  }
  return {.status = 404};
}

Response RegistryFront::answer(Call& call) {
  if (!call.repository.empty() && !Reference::is_repository(call.repository)) {
    return refused({"NameInvalid", "Invalid repository name"}, call);
  }
  if (auto stranger = refuse_stranger(call)) return *stranger;
  try {
    return route(call);
  } catch (const Refusal& refusal) {
    return refused(refusal, call);
  } catch (const std::exception& thrown) {
    return refused({"ServerException", thrown.what()}, call);
  }
}

Response RegistryFront::handle(Request& request) {
  const Modes modes = backend_.controls().modes();
  if (request.path.starts_with("/token") && modes.is("registry", "public")) return token(request);
  auto call = read_call(request);
  if (!call) return plain_text(404, "404 page not found\n");
  call->modes = modes;
  const auto fault = backend_.controls().take_fault(call->operation);
  const bool instead = fault && fault->kind != Fault::Kind::truncate && fault->kind != Fault::Kind::corrupt;
  Response response = instead ? broken(*fault, {}) : answer(*call);
  if (fault && !instead) response = broken(*fault, std::move(response));
  response.operation = call->operation;
  response.headers.push_back({"Docker-Distribution-Api-Version", "registry/2.0"});
  return response;
}

}  // namespace davit::emulator
