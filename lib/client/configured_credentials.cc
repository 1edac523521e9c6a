#include "client/configured_credentials.h"

#include <utility>

#include "base/error.h"
#include "base/escape.h"

namespace davit::client {
namespace {

using Found = std::optional<Credential>;

class VariableCredentials final : public CredentialSource {
 public:
  VariableCredentials(std::string host, std::string variable, Secret value)
      : host_(std::move(host)), variable_(std::move(variable)), value_(std::move(value)) {}

  Result<Found> find(const std::string& host, const std::string&, const CallContext&) override {
    if (host != host_) return Found();
    const std::string& text = value_.reveal();
    const auto colon = text.find(':');
    if (colon == std::string::npos || colon == 0) {
      return make_error(Errc::unauthenticated,
                        "the configuration takes the credentials of " + host_ + " from " +
                            escaped(variable_, 100) +
                            (text.empty() ? ", which is not set" : ", which is not USER:PASSWORD"));
    }
    return Found(Credential{.username = text.substr(0, colon), .password = Secret(text.substr(colon + 1))});
  }

 private:
  const std::string host_;
  const std::string variable_;
  const Secret value_;
};

class HelperCredentials final : public CredentialSource {
 public:
  HelperCredentials(std::string host, auth::Helper helper)
      : host_(std::move(host)), helper_(std::move(helper)) {}

  Result<Found> find(const std::string& host, const std::string&, const CallContext& context) override {
    if (host != host_) return Found();
    return helper_.get(host, context);
  }

 private:
  const std::string host_;
  const auth::Helper helper_;
};

}  // namespace

std::shared_ptr<CredentialSource> variable_credentials(std::string host, std::string variable, Secret value) {
  return std::make_shared<VariableCredentials>(std::move(host), std::move(variable), std::move(value));
}

std::shared_ptr<CredentialSource> helper_credentials(std::string host, auth::Helper helper) {
  return std::make_shared<HelperCredentials>(std::move(host), std::move(helper));
}

}  // namespace davit::client
