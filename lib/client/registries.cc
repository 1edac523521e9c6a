#include "client/registries.h"

#include <algorithm>

#include "base/try.h"
#include "client/certificates.h"

namespace davit::client {
namespace {

/// A loopback address written as such, or `localhost`: the hosts that speak plain HTTP unless told otherwise.
bool is_local(std::string_view host) {
  const auto colon = host.starts_with('[') ? host.find("]:") : host.rfind(':');
  std::string_view name =
      host.substr(0, host.starts_with('[') && colon != std::string_view::npos ? colon + 1 : colon);
  return name == "localhost" || name == "[::1]" ||
         (name.starts_with("127.") &&
          std::ranges::all_of(name, [](char c) { return (c >= '0' && c <= '9') || c == '.'; }));
}

}  // namespace

Registries::Registries(const ClientOptions& options, net::Transport& transport, Clock& clock, Log log)
    : options_(options), transport_(transport), clock_(clock), log_(std::move(log)) {}

const RegistryOptions& Registries::options_for(const std::string& host) const {
  const auto found = options_.registries.find(host);
  return found == options_.registries.end() ? options_.any_registry : found->second;
}

bool Registries::plain_http(const std::string& host) const {
  return options_for(host).plain_http.value_or(is_local(host));
}

Result<net::Url> Registries::origin(const std::string& host) {
  MutexLock lock(mutex_);
  DAVIT_TRY(const Host* known, host_for(host));
  return known->registry->base();
}

Result<Registries::Host*> Registries::host_for(const std::string& host) {
  const auto known = hosts_.find(host);
  if (known != hosts_.end()) return &known->second;
  Host made;
  registry::RegistryOptions settings{
      .host = host, .plain_http = plain_http(host), .chunk_bytes = options_.chunk_size, .spooled = spooled_};
  settings.retry.most_tries = options_.retries;
  // The registry knows its own address (Docker Hub is served elsewhere), the authorizer is made for that
  // address.
  DAVIT_TRY(const net::Url base, registry::base_url(settings));
  const RegistryOptions& user = options_for(host);
  DAVIT_TRY(Certificates files, certificates_for(host, user, options_.certificate_directories));
  transport_.set_tls(base.host_port(), {.ca_files = std::move(files.authorities),
                                        .cert_file = std::move(files.certificate),
                                        .key_file = std::move(files.key),
                                        .verify = user.verify_tls});
  made.authorizer = auth::make_authorizer({.host = host,
                                           .origin = base,
                                           .credentials = options_.credentials,
                                           .allowed_realms = user.allow_realms},
                                          transport_, clock_);
  DAVIT_TRY(made.registry,
            registry::Registry::create(settings, transport_, made.authorizer.get(), clock_, log_));
  return &hosts_.emplace(host, std::move(made)).first->second;
}

Result<std::shared_ptr<registry::Repository>> Registries::repository(const std::string& host,
                                                                     const std::string& name, Side side) {
  MutexLock lock(mutex_);
  DAVIT_TRY(Host * at, host_for(host));
  std::shared_ptr<registry::Repository>& repository = repositories_[{host + "/" + name, side}];
  if (!repository) repository = at->registry->repository(name, side);
  return repository;
}

}  // namespace davit::client
