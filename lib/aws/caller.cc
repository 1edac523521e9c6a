#include "aws/caller.h"

#include "aws/ecr_host.h"
#include "aws/xml_fields.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {

Result<Caller> caller_identity(Api& api, Identity& identity, std::string region, const CallContext& context) {
  if (region.empty()) region = "us-east-1";
  DAVIT_TRY(Endpoint where, identity.endpoint(Service::sts, region, {}));
  const net::Url url = where.url;
  const ApiCall call{.operation = "GetCallerIdentity",
                     .endpoint = std::move(where),
                     .content_type = "application/x-www-form-urlencoded; charset=utf-8",
                     .body = "Action=GetCallerIdentity&Version=2011-06-15"};
  DAVIT_TRY(const net::Response response, api.send(call, context));
  if (response.status < 200 || response.status > 299) return refusal(call.operation, url, response);
  Caller out{.account = xml_field(response.body, "Account"),
             .arn = escaped(xml_field(response.body, "Arn"), 300),
             .user_id = escaped(xml_field(response.body, "UserId"), 200)};
  if (!is_account(out.account))
    return make_error(Errc::protocol, "GetCallerIdentity at " + url.host() + ": no account in the answer");
  return out;
}

}  // namespace davit::aws
