#include <davit/client.h>
#include <davit/reference.h>
#include <davit/version.h>

#include "auth/config_editor.h"
#include "auth/login.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/client_impl.h"
#include "client/transfer_state.h"
#include "transfer/run.h"

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

CallContext context_for(const PushOptions& options) {
  CallContext context{.stop = options.stop};
  if (options.timeout) context.deadline = std::chrono::steady_clock::now() + *options.timeout;
  return context;
}

transfer::Settings settings_for(const PushOptions& options, const ClientOptions& client) {
  return {.compression = options.compression,
          .level = options.compression_level,
          .format = options.format,
          .reuse = options.reuse,
          .reuse_from = options.reuse_from,
          .on_existing_tag = options.on_existing_tag,
          .jobs = client.jobs};
}

Client::Impl::Impl(ClientOptions given)
    : options(std::move(given)),
      log(options.log_level, options.log, notifier),
      transport(net::make_transport(net_options(options, log))),
      registries(options, *transport, Clock::system(), log),
      compressor({.threads = options.compression_threads, .memory = options.compression_memory}) {}

Result<std::vector<Delivery>> Client::Impl::push(std::string_view source,
                                                 std::span<const std::string> destinations,
                                                 const PushOptions& push_options, transfer::Board& board) {
  const CallContext context = context_for(push_options);
  auto result = [&]() -> Result<std::vector<Delivery>> {
    DAVIT_TRY(auto work, orders(source, destinations, push_options, board, context));
    transfer::Run run(std::move(work), settings_for(push_options, options), compressor, board, context);
    return run.deliver();
  }();
  board.finished(result ? *result : std::vector<Delivery>());
  if (push_options.observer != nullptr) notifier.drain();
  return result;
}

Client::Client(ClientOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {}

Client::~Client() {
  impl_->closing.request_stop();
}

Result<Delivered> Client::push(std::string_view source, std::string_view destination,
                               const PushOptions& options) {
  const std::string destinations[] = {std::string(destination)};
  DAVIT_TRY(auto deliveries, push(source, destinations, options));
  if (deliveries.size() != 1) {
    return make_error(Errc::invalid_argument,
                      "\"" + escaped(source, 160) + "\" holds " + std::to_string(deliveries.size()) +
                          " images: ask for all deliveries, or choose one by its name");
  }
  return std::move(deliveries.front().result);
}

Result<std::vector<Delivery>> Client::push(std::string_view source, std::span<const std::string> destinations,
                                           const PushOptions& options) {
  transfer::Board board(options.observer, impl_->notifier);
  return impl_->push(source, destinations, options, board);
}

Transfer Client::start_push(std::string source, std::vector<std::string> destinations, PushOptions options) {
  Observer* observer = options.observer;
  std::stop_token caller = options.stop;
  auto work = [impl = impl_, source = std::move(source), destinations = std::move(destinations),
               options = std::move(options)](transfer::Board& board, std::stop_token stop) mutable {
    options.stop = std::move(stop);
    return impl->push(source, destinations, options, board);
  };
  return Transfer(std::make_unique<Transfer::State>(std::move(work), observer, impl_->notifier,
                                                    std::move(caller), impl_->closing.get_token()));
}

Result<std::vector<Plan>> Client::plan_push(std::string_view source,
                                            std::span<const std::string> destinations,
                                            const PushOptions& options) {
  transfer::Board board(options.observer, impl_->notifier);
  const CallContext context = context_for(options);
  auto plans = [&]() -> Result<std::vector<Plan>> {
    DAVIT_TRY(auto work, impl_->orders(source, destinations, options, board, context));
    transfer::Run run(std::move(work), settings_for(options, impl_->options), impl_->compressor, board,
                      context);
    return run.plan();
  }();
  if (options.observer != nullptr) impl_->notifier.drain();  // the observer may go when this returns
  return plans;
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
