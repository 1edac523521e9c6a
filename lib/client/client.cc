#include <davit/client.h>
#include <davit/reference.h>
#include <davit/version.h>

#include "auth/config_editor.h"
#include "auth/login.h"
#include "base/error.h"
#include "base/try.h"
#include "client/client_impl.h"

namespace davit {
namespace {

net::NetOptions net_options(const ClientOptions& options, const Log& log) {
  net::NetOptions net;
  net.user_agent = "davit/" DAVIT_VERSION;
  net.proxy = {.http = options.http_proxy,
               .https = options.https_proxy,
               .all = options.all_proxy,
               .none = options.no_proxy};
  // Token services and blob stores have hosts of their own and often the registry's authority.
  if (!options.any_registry.ca_file.empty()) net.ca_files = {options.any_registry.ca_file};
  const auto bundle = options.aws_environment.variables.find("AWS_CA_BUNDLE");
  if (bundle != options.aws_environment.variables.end() && !bundle->second.empty())
    net.ca_files.push_back(bundle->second);
  net.system_ca_file = options.system_ca_file;
  net.system_ca_directory = options.system_ca_directory;
  net.stall_timeout = options.stall_timeout;
  net.answer_timeout = 2 * options.stall_timeout;  // a registry that thinks is not a connection that died
  net.limit_rate = options.limit_rate;
  net.log = log;
  return net;
}

}  // namespace

Client::Impl::Impl(ClientOptions given)
    : options(std::move(given)),
      log(options.log_level, options.log, notifier),
      transport(net::make_transport(net_options(options, log))),
      registries(options, *transport, Clock::system(), log),
      compressor({.threads = options.compression_threads, .memory = options.compression_memory}) {}

Client::Client(ClientOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {}

Client::~Client() {
  impl_->closing.request_stop();
}

std::vector<PullQuota> Client::pull_quotas() {
  return impl_->registries.pull_quotas();
}

Result<std::string> Client::login(std::string_view host, const Credential& credential, std::stop_token stop) {
  const CallContext context{.stop = std::move(stop)};
  DAVIT_TRY(const std::string name, Reference::parse_registry(host));
  DAVIT_TRY(const net::Url origin, impl_->registries.origin(name));
  const auth::LoginTarget target{
      .host = name, .origin = origin, .allowed_realms = impl_->registries.options_for(name).allow_realms};
  DAVIT_TRY_VOID(auth::verify_credential(target, credential, *impl_->transport, Clock::system(), context));
  DAVIT_TRY(const auth::StoredCredential stored,
            auth::store_credential(impl_->options.docker, name, credential, context));
  if (stored.shadowed_by.empty()) return stored.where;
  return stored.where + " (but " + stored.shadowed_by + " is looked at first and has another entry)";
}

Result<std::string> Client::logout(std::string_view host, std::stop_token stop) {
  const CallContext context{.stop = std::move(stop)};
  DAVIT_TRY(const std::string name, Reference::parse_registry(host));
  DAVIT_TRY(const auth::ErasedCredential erased,
            auth::erase_credential(impl_->options.docker, name, context));
  if (!erased.found) return make_error(Errc::not_found, "no credentials for " + name + " in " + erased.where);
  if (erased.still_in.empty()) return erased.where;
  return erased.where + " (but " + erased.still_in + " still has some)";
}

}  // namespace davit
