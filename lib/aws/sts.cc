#include "aws/sts.h"

#include <utility>

#include "aws/credential_answers.h"
#include "aws/xml_fields.h"
#include "base/error.h"
#include "base/try.h"

namespace davit::aws {
namespace {

constexpr const char* kFormType = "application/x-www-form-urlencoded; charset=utf-8";
constexpr const char* kVersion = "&Version=2011-06-15";

void add(std::string& body, const char* name, const std::string& value) {
  if (!value.empty()) body += std::string("&") + name + "=" + net::percent_encode(value);
}

Call call_for(const char* operation, const Endpoint& endpoint, const RoleRequest& role) {
  Call call{.operation = operation, .request = {}, .region = endpoint.region, .service = endpoint.service};
  call.request.method = "POST";
  call.request.url = endpoint.url;
  call.request.headers.push_back({"Content-Type", kFormType});
  std::string& body = call.request.body;
  body = std::string("Action=") + operation + kVersion;
  add(body, "RoleArn", role.role_arn);
  add(body, "RoleSessionName", role.session_name);
  add(body, "ExternalId", role.external_id);
  add(body, "DurationSeconds", role.duration_seconds);
  return call;
}

Result<Credentials> send(CallLoop& calls, Signer* signer, const Call& call, const std::string& source,
                         const CallContext& context) {
  auto answer = calls.send(call, signer, context);
  if (!answer) return answer.error().with_context(source);
  if (answer->status != 200) return refusal(call.operation, call.request.url, *answer).with_context(source);
  return parse_sts_answer(answer->body, source);
}

}  // namespace

Result<Credentials> assume_role(CallLoop& calls, Signer& signer, const Endpoint& endpoint,
                                const RoleRequest& role, const std::string& source,
                                const CallContext& context) {
  return send(calls, &signer, call_for("AssumeRole", endpoint, role), source, context);
}

Result<Credentials> assume_role_with_web_identity(CallLoop& calls, const Endpoint& endpoint,
                                                  const RoleRequest& role, const Secret& token,
                                                  const std::string& source, const CallContext& context) {
  Call call = call_for("AssumeRoleWithWebIdentity", endpoint, role);
  add(call.request.body, "WebIdentityToken", token.reveal());
  call.secrets.push_back(token);
  return send(calls, nullptr, call, source, context);
}

Result<CallerIdentity> get_caller_identity(Api& api, Identity& identity, const CallContext& context) {
  DAVIT_TRY(std::string region, identity.region(context));
  if (region.empty()) region = "us-east-1";
  DAVIT_TRY(Endpoint endpoint, identity.endpoint(Service::sts, region, {}));
  const ApiCall call{.operation = "GetCallerIdentity",
                     .endpoint = std::move(endpoint),
                     .content_type = kFormType,
                     .body = std::string("Action=GetCallerIdentity") + kVersion};
  DAVIT_TRY(const ApiAnswer answer, api.send(call, context));
  if (answer.status != 200) return refusal(call.operation, call.endpoint.url, answer);
  CallerIdentity caller{.account = xml_field(answer.body, "Account"),
                        .arn = xml_field(answer.body, "Arn"),
                        .user_id = xml_field(answer.body, "UserId")};
  if (caller.account.empty() || caller.arn.empty()) {
    return make_error(Errc::protocol, "GetCallerIdentity at " + call.endpoint.url.host() +
                                          ": there is no account in the answer");
  }
  return caller;
}

}  // namespace davit::aws
