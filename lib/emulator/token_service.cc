#include "emulator/token_service.h"

#include <algorithm>
#include <array>
#include <utility>

#include "crypto/base64.h"
#include "emulator/respond.h"

namespace davit::emulator {
namespace {

using std::chrono::steady_clock;

std::vector<std::string> words(std::string_view text, char at) {
  std::vector<std::string> out;
  while (true) {
    const auto end = text.find(at);
    if (end != 0 && !text.empty()) out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

/// repository:NAME:ACTION,ACTION. The name itself holds no colon, or a host with its port in front.
std::vector<Scope> parse_scopes(const Request& request, std::string_view form_scope) {
  std::vector<std::string> texts = words(form_scope, ' ');
  for (const auto& [name, value] : request.query) {
    if (name != "scope") continue;
    for (auto& one : words(value, ' ')) texts.push_back(std::move(one));
  }
  std::vector<Scope> out;
  for (const auto& text : texts) {
    const auto first = text.find(':');
    const auto last = text.rfind(':');
    if (text.substr(0, first) != "repository" || first == last) continue;
    Scope scope{text.substr(first + 1, last - first - 1), {}};
    for (auto& action : words(std::string_view(text).substr(last + 1), ','))
      scope.actions.insert(std::move(action));
    out.push_back(std::move(scope));
  }
  return out;
}

std::string read_form(Request& request) {
  std::string form;
  std::array<char, 4096> block{};
  while (const std::size_t n = request.read(block.data(), block.size())) {
    if (form.size() < 65536) form.append(block.data(), n);
  }
  return form;
}

bool covers(const std::vector<Scope>& held, const Scope& wanted) {
  return std::any_of(held.begin(), held.end(), [&](const Scope& scope) {
    return scope.repository == wanted.repository &&
           std::includes(scope.actions.begin(), scope.actions.end(), wanted.actions.begin(),
                         wanted.actions.end());
  });
}

}  // namespace

std::string Scope::to_string() const {
  std::string out = "repository:" + repository + ":";
  for (const auto& action : actions) out += (out.back() == ':' ? "" : ",") + action;
  return out;
}

bool has_basic_credentials(const Request& request, const Auth& auth) {
  return request.header("Authorization") == "Basic " + crypto::base64_encode(auth.user + ":" + auth.password);
}

Response TokenService::issue(Request& request, const Auth& auth) {
  bool known = has_basic_credentials(request, auth);
  std::string form_scope;
  if (request.method == "POST") {
    std::map<std::string, std::string> form;
    for (const auto& field : words(read_form(request), '&')) {
      const auto equals = field.find('=');
      std::string value = equals == std::string::npos ? "" : field.substr(equals + 1);
      std::replace(value.begin(), value.end(), '+', ' ');
      form[percent_decoded(field.substr(0, equals))] = percent_decoded(value);
    }
    form_scope = form["scope"];
    known = (form["grant_type"] == "password" && form["username"] == auth.user &&
             form["password"] == auth.password) ||
            (form["grant_type"] == "refresh_token" && form["refresh_token"] == auth.password);
  }
  std::vector<Scope> scopes = parse_scopes(request, form_scope);
  if (!known) {
    if (!auth.anonymous_pull || !request.header("Authorization").empty()) {
      return refusal(401, code::kUnauthorized, "authentication required",
                     {{"WWW-Authenticate", "Basic realm=\"tokens\""}});
    }
    for (auto& scope : scopes)
      std::erase_if(scope.actions, [](const auto& action) { return action != "pull"; });
  }
  const int seconds =
      static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(auth.token_life).count());
  MutexLock lock(mutex_);
  const std::string token = "emulated-token-" + std::to_string(next_++);
  tokens_[token] = {std::move(scopes), steady_clock::now() + auth.token_life, 0};
  return {.headers = {{"Content-Type", "application/json"}},
          .body = "{\"token\":" + json_string(token) + ",\"access_token\":" + json_string(token) +
                  ",\"expires_in\":" + std::to_string(auth.expires_in.value_or(seconds)) + "}"};
}

TokenService::Verdict TokenService::check(const Request& request, const std::vector<Scope>& wanted,
                                          const Auth& auth) {
  const std::string header = request.header("Authorization");
  if (!header.starts_with("Bearer ")) return Verdict::missing;
  MutexLock lock(mutex_);
  const auto found = tokens_.find(header.substr(7));
  if (found == tokens_.end()) return Verdict::expired;
  Token& token = found->second;
  if (steady_clock::now() >= token.until || (auth.token_uses > 0 && token.uses >= auth.token_uses))
    return Verdict::expired;
  if (!std::all_of(wanted.begin(), wanted.end(),
                   [&](const Scope& scope) { return covers(token.scopes, scope); })) {
    return Verdict::insufficient;
  }
  ++token.uses;
  return Verdict::good;
}

void TokenService::expire_all() {
  MutexLock lock(mutex_);
  tokens_.clear();
}

}  // namespace davit::emulator
