#include "emulator/registry.h"

#include <davit/reference.h>

#include <utility>

#include "emulator/respond.h"

namespace davit::emulator {

using std::chrono::steady_clock;

void Visibility::written(const std::string& repository, const Digest& digest, const Behaviour& behaviour) {
  if (behaviour.hidden_for.count() == 0 && behaviour.hidden_lookups == 0) return;
  MutexLock lock(mutex_);
  hidden_[repository + "@" + digest.to_string()] = {steady_clock::now() + behaviour.hidden_for,
                                                    behaviour.hidden_lookups};
}

bool Visibility::visible(const std::string& repository, const Digest& digest) {
  MutexLock lock(mutex_);
  const auto found = hidden_.find(repository + "@" + digest.to_string());
  if (found == hidden_.end()) return true;
  if (found->second.lookups-- > 0) return false;
  return steady_clock::now() >= found->second.until;
}

Registry::Registry(const RegistryOptions& options)
    : log_(options.log), storage_(options.folder), behaviour_(options.behaviour) {
  const Address beside{options.listen.host, 0, options.listen.anywhere};
  store_ = std::make_unique<HttpServer>(
      beside, options.tls,
      [this](Request& request) { return dated(store_port(request), std::chrono::system_clock::now()); },
      log_.logger(Access::Port::store));
  token_server_ = std::make_unique<HttpServer>(
      beside, options.tls,
      [this](Request& request) { return dated(token_port(request), std::chrono::system_clock::now()); },
      log_.logger(Access::Port::tokens));
  server_ = std::make_unique<HttpServer>(
      options.listen, options.tls,
      [this](Request& request) { return dated(registry_port(request), std::chrono::system_clock::now()); },
      log_.logger(Access::Port::registry));
}

Registry::~Registry() = default;

std::string Registry::authority() const {
  return server_->address().to_string();
}
std::string Registry::url() const {
  return server_->url();
}
std::string Registry::store_authority() const {
  return store_->address().to_string();
}
std::string Registry::token_authority() const {
  return (behaviour().auth.own_token_port ? token_server_ : server_)->address().to_string();
}

void Registry::set(const Behaviour& behaviour) {
  MutexLock lock(mutex_);
  behaviour_ = behaviour;
}

Behaviour Registry::behaviour() const {
  MutexLock lock(mutex_);
  return behaviour_;
}

UploadCounts Registry::uploads() const {
  MutexLock lock(mutex_);
  return uploads_;
}

Response Registry::token_port(Request& request) {
  const Auth auth = behaviour().auth;
  if (request.path != "/token" || auth.mode != Auth::Mode::bearer) return {.status = 404};
  return tokens_.issue(request, auth);
}

Response Registry::registry_port(Request& request) {
  const Behaviour now = behaviour();
  if (request.path == "/token" && !now.auth.own_token_port) return token_port(request);
  Response response = route(request, now);
  response.headers.push_back({"Docker-Distribution-Api-Version", "registry/2.0"});
  return response;
}

std::optional<Response> Registry::refuse_stranger(const Request& request, const Behaviour& behaviour,
                                                  const std::string& repository) {
  const Auth& auth = behaviour.auth;
  if (auth.mode == Auth::Mode::none) return std::nullopt;
  if (auth.mode == Auth::Mode::basic) {
    if (has_basic_credentials(request, auth)) return std::nullopt;
    return refusal(401, code::kUnauthorized, "authentication required",
                   {{"WWW-Authenticate", "Basic realm=\"emulator\""}});
  }
  std::vector<Scope> wanted;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!repository.empty()) {
    wanted.push_back({repository, reads                        ? std::set<std::string>{"pull"}
                                  : request.method == "DELETE" ? std::set<std::string>{"delete"}
                                                               : std::set<std::string>{"pull", "push"}});
    // An upload session may be ended by whoever may write to it.
    if (request.method == "DELETE" && request.path.find("/blobs/uploads/") != std::string::npos) {
      wanted.back().actions = {"pull", "push"};
    }
    const auto* from = request.parameter("from");
    if (request.method == "POST" && from != nullptr) wanted.push_back({*from, {"pull"}});
  }
  const auto verdict = tokens_.check(request, wanted, auth);
  if (verdict == TokenService::Verdict::good) return std::nullopt;
  const auto& tokens = auth.own_token_port ? token_server_ : server_;
  std::string challenge = "Bearer realm=\"" + tokens->url() + "/token\",service=\"" + auth.service + "\"";
  std::string scopes;
  for (const auto& scope : wanted) scopes += (scopes.empty() ? "" : " ") + scope.to_string();
  if (!scopes.empty()) challenge += ",scope=\"" + scopes + "\"";
  if (verdict == TokenService::Verdict::expired) challenge += ",error=\"invalid_token\"";
  if (verdict == TokenService::Verdict::insufficient) challenge += ",error=\"insufficient_scope\"";
  return refusal(401, code::kUnauthorized, "authentication required", {{"WWW-Authenticate", challenge}});
}

Response Registry::route(Request& request, const Behaviour& behaviour) {
  constexpr std::string_view kRoot = "/v2/";
  if (!request.path.starts_with(kRoot)) return {.status = 404};
  const std::string rest = request.path.substr(kRoot.size());
  const std::string& method = request.method;
  if (rest.empty() || rest == "_catalog") {
    if (auto stranger = refuse_stranger(request, behaviour, "")) return *stranger;
    if (method != "GET" && method != "HEAD") return refusal(405, code::kUnsupported);
    if (rest.empty()) return {.headers = {{"Content-Type", "application/json"}}, .body = "{}"};
    return catalog({request, behaviour, "", ""});
  }

  // A repository may itself be called "blobs": the last match decides.
  enum class What { none, upload, blob, manifest, tags, referrers };
  struct Form {
    std::string_view infix;
    What what;
  };
  constexpr std::array<Form, 5> kForms{{{"/blobs/uploads/", What::upload},
                                        {"/blobs/", What::blob},
                                        {"/manifests/", What::manifest},
                                        {"/tags/list", What::tags},
                                        {"/referrers/", What::referrers}}};
  What what = What::none;
  Call call{request, behaviour, "", ""};
  for (const auto& form : kForms) {
    const auto at = rest.rfind(form.infix);
    if (at == std::string::npos) continue;
    what = form.what;
    call.repository = rest.substr(0, at);
    call.name = percent_decoded(rest.substr(at + form.infix.size()));
    break;
  }
  if (what == What::none) return {.status = 404};
  if (!Reference::is_repository(call.repository)) return refusal(400, code::kNameInvalid, call.repository);
  if (auto stranger = refuse_stranger(request, behaviour, call.repository)) return *stranger;
  if (method == "HEAD" && !behaviour.head_supported)
    return refusal(behaviour.head_refusal, code::kUnsupported);

  const bool reads = method == "GET" || method == "HEAD";
  switch (what) {
    case What::upload:
      if (method == "POST" && call.name.empty()) return upload_post(call);
      if (method == "PATCH") return upload_patch(call);
      if (method == "PUT") return upload_put(call);
      if (method == "GET") return upload_status(call);
      if (method == "DELETE") return upload_delete(call);
      break;
    case What::blob:
      if (reads) return blob_get(call);
      if (method == "DELETE") return blob_delete(call);
      break;
    case What::manifest:
      if (reads) return manifest_get(call);
      if (method == "PUT") return manifest_put(call);
      if (method == "DELETE") return manifest_delete(call);
      break;
    case What::tags:
      if (reads) return tags_list(call);
      break;
    case What::referrers:
      if (reads) return referrers(call);
      break;
    case What::none:
      break;
  }
  return refusal(405, code::kUnsupported);
}

}  // namespace davit::emulator
