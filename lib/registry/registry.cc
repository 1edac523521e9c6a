#include "registry/registry.h"

#include "base/try.h"
#include "registry/repository.h"

namespace davit::registry {

Result<net::Url> base_url(const RegistryOptions& options) {
  // Docker Hub's name in references is not where its registry is.
  const std::string host = options.host == "docker.io" ? "registry-1.docker.io" : options.host;
  return net::Url::parse((options.plain_http ? "http://" : "https://") + host + "/");
}

Result<std::unique_ptr<Registry>> Registry::create(RegistryOptions options, net::Transport& transport,
                                                   auth::Authorizer* authorizer, Clock& clock, Log log) {
  DAVIT_TRY(auto base, base_url(options));
  return std::unique_ptr<Registry>(
      new Registry(std::move(options), std::move(base), transport, authorizer, clock, std::move(log)));
}

Registry::Registry(RegistryOptions options, net::Url base, net::Transport& transport,
                   auth::Authorizer* authorizer, Clock& clock, Log log)
    : options_(std::move(options)),
      base_(std::move(base)),
      quirks_(quirks_of(options_.kind)),
      wire_({.host = options_.host,
             .limits = options_.limits ? options_.limits
                                       : std::make_shared<Limits>(quirks_.rates, RequestLimits{}, clock),
             .retry = options_.retry},
            transport, authorizer, clock, std::move(log)),
      spooled_(options_.spooled ? options_.spooled : std::make_shared<std::atomic<std::uint64_t>>(0)) {}

std::unique_ptr<Repository> Registry::repository(std::string name, Side side,
                                                 std::optional<NewRepository> create) {
  return std::make_unique<Repository>(*this, std::move(name), side, std::move(create));
}

bool Registry::reserve_spool(std::uint64_t bytes) {
  std::uint64_t now = *spooled_;
  while (now + bytes <= options_.spool_bytes) {
    if (spooled_->compare_exchange_weak(now, now + bytes)) return true;
  }
  return false;
}

}  // namespace davit::registry
