#include "emulator/ecr/ecr.h"

#include <utility>

#include "crypto/base64.h"
#include "emulator/ecr/tokens.h"
#include "emulator/respond.h"

namespace davit::emulator {
namespace {

constexpr const char* kRecordsFile = "davit-ecr.json";

}  // namespace

Ecr::Ecr(const EcrOptions& options)
    : clock_(options.clock == nullptr ? Clock::system() : *options.clock),
      log_(options.log),
      storage_(options.folder),
      controls_(clock_, options.modes),
      place_{.account = options.account, .region = options.region},
      backend_(place_, storage_, clock_, controls_,
               options.folder.empty() ? std::filesystem::path() : options.folder / kRecordsFile),
      identity_(backend_),
      sign_in_(backend_) {
  clock_.advance(std::chrono::seconds(options.modes.number("clock-ahead")));
  // All addresses are known before the first request is taken.
  const Address beside{options.listen.host, 0, options.listen.anywhere};
  Fd registry = listen_on(options.listen);
  Fd store = listen_on(beside);
  Fd api = listen_on(beside);
  const std::string scheme = options.tls ? "https://" : "http://";
  place_.registry = local_address(registry).to_string();
  place_.registry_url = scheme + place_.registry;
  place_.api_url = scheme + local_address(api).to_string();
  store_ = std::make_unique<StoreFront>(backend_, scheme + local_address(store).to_string());
  registry_ = std::make_unique<RegistryFront>(backend_, *store_);
  api_ = std::make_unique<ApiFront>(backend_, [this](const std::string& repository, const Digest& digest) {
    return store_->url_of(repository, digest);
  });
  store_server_ = std::make_unique<HttpServer>(
      std::move(store), options.tls,
      [this](Request& request) { return dated(store_->handle(request), clock_.now()); },
      log_.logger(Access::Port::store));
  api_server_ = std::make_unique<HttpServer>(
      std::move(api), options.tls,
      [this](Request& request) { return dated(api_port(request), clock_.now()); },
      log_.logger(Access::Port::api));
  registry_server_ = std::make_unique<HttpServer>(
      std::move(registry), options.tls,
      [this](Request& request) { return dated(registry_->handle(request), clock_.now()); },
      log_.logger(Access::Port::registry));
}

Ecr::~Ecr() = default;

Response Ecr::api_port(Request& request) {
  if (SignInFront::wants(request)) return sign_in_.handle(request);
  if (IdentityFront::is_metadata(request)) return identity_.metadata(request);
  if (IdentityFront::is_sts(request)) return identity_.sts(request);
  return api_->handle(request);
}

std::string Ecr::authorization_token() const {
  return crypto::base64_encode("AWS:" + registry_password());
}

std::string Ecr::registry_password() const {
  const std::chrono::seconds life(controls_.modes().number("token-life"));
  return write_token({.account = place_.account,
                      .region = place_.region,
                      .arn = user().arn,
                      .for_public = controls_.modes().is("registry", "public"),
                      .expires = clock_.now() + life});
}

std::map<std::string, std::string> Ecr::environment() const {
  const Principal who = user();
  const bool for_public = controls_.modes().is("registry", "public");
  return {{"DAVIT_REGISTRY", place_.registry},
          {"DAVIT_ECR_ENDPOINT", place_.api_url},
          {"DAVIT_ECR_REGISTRIES",
           place_.registry + "=" + (for_public ? "public.us-east-1" : place_.account + "." + place_.region) +
               "," + place_.api_url},
          {"AWS_ACCESS_KEY_ID", who.key_id},
          {"AWS_SECRET_ACCESS_KEY", who.secret},
          {"AWS_SESSION_TOKEN", ""},  // of other keys
          {"AWS_ACCOUNT_ID", place_.account},
          {"AWS_REGION", place_.region},
          {"AWS_DEFAULT_REGION", place_.region},
          {"AWS_ENDPOINT_URL", place_.api_url},
          {"ACTIONS_ID_TOKEN_REQUEST_URL", sign_in_.id_token_url()},
          {"ACTIONS_ID_TOKEN_REQUEST_TOKEN", sign_in_.id_token_request_token()}};
}

}  // namespace davit::emulator
