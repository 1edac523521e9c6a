#include "aws/api.h"

#include <utility>

#include "aws/call_loop.h"
#include "base/try.h"

namespace davit::aws {
namespace {

class IdentitySigner final : public Signer {
 public:
  explicit IdentitySigner(Identity& identity) : identity_(identity) {}

  Result<Keys> keys(const CallContext& context) override {
    DAVIT_TRY(Credentials credentials, identity_.credentials(context));
    return std::move(credentials.keys);
  }
  void expired(const Keys& keys) override { identity_.expired(keys); }

 private:
  Identity& identity_;
};

class SignedApi final : public Api {
 public:
  SignedApi(Identity& identity, net::Transport& transport, Clock& clock, Log log,
            std::shared_ptr<ClockOffset> offset)
      : signer_(identity), loop_(transport, clock, std::move(log), std::move(offset)) {}

  Result<ApiAnswer> send(const ApiCall& call, const CallContext& context) override {
    Call out{.operation = call.operation,
             .request = {},
             .region = call.endpoint.region,
             .service = call.endpoint.service,
             .limits = call.limits,
             .action = call.action};
    out.request.method = "POST";
    out.request.url = call.endpoint.url;
    out.request.body = call.body;
    out.request.answer_limit = 8u << 20;
    out.request.headers.push_back({"Content-Type", call.content_type});
    if (!call.target.empty()) out.request.headers.push_back({"X-Amz-Target", call.target});
    return loop_.send(out, &signer_, context);
  }

 private:
  IdentitySigner signer_;
  CallLoop loop_;
};

}  // namespace

std::unique_ptr<Api> make_api(Identity& identity, net::Transport& transport, Clock& clock, Log log,
                              std::shared_ptr<ClockOffset> offset) {
  if (!offset) offset = std::make_shared<ClockOffset>();
  return std::make_unique<SignedApi>(identity, transport, clock, std::move(log), std::move(offset));
}

}  // namespace davit::aws
