#include <utility>

#include <davit/credentials.h>

#include "auth/docker_config.h"

namespace davit {
namespace {

class FixedCredentials final : public CredentialSource {
 public:
  FixedCredentials(const std::string& host, Credential credential)
      : host_(auth::ConfigKey::parse(host).host), credential_(std::move(credential)) {}

  Result<std::optional<Credential>> find(const std::string& host, const std::string&,
                                         const CallContext&) override {
    if (!host_.empty() && auth::ConfigKey::parse(host).host != host_) return std::optional<Credential>();
    return std::optional(credential_);
  }

 private:
  const std::string host_;
  const Credential credential_;
};

}  // namespace

std::shared_ptr<CredentialSource> fixed_credentials(const std::string& host, Credential credential) {
  return std::make_shared<FixedCredentials>(host, std::move(credential));
}

}  // namespace davit
