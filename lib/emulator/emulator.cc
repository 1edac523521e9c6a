#include <davit/emulator.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "emulator/certificate.h"
#include "emulator/ecr/ecr.h"
#include "emulator/ecr/input.h"
#include "emulator/ecr/refusal.h"
#include "emulator/registry.h"

namespace davit {
namespace {

using emulator::Access;

constexpr const char* kListenForm = "write 127.0.0.1:5000 or [::1]:5000";

const char* name_of(Access::Port port) {
  switch (port) {
    case Access::Port::registry:
      return "registry";
    case Access::Port::tokens:
      return "tokens";
    case Access::Port::store:
      return "store";
    case Access::Port::api:
      return "api";
  }
  return "";
}

/// Keeps no lines: an emulator that runs for weeks shall not grow.
emulator::AccessLogOptions log_of(const EmulatorOptions& options) {
  if (!options.access_log) return {.kept = 0};
  const auto write = [log = options.access_log](const Access& access) {
    log({.listener = name_of(access.port),
         .method = access.method,
         .path = access.target.substr(0, access.target.find('?')),
         .operation = access.operation,
         .status = access.status,
         .bytes_in = access.bytes_in,
         .bytes_out = access.bytes_out,
         .duration = access.answered_in});
  };
  return {.on_line = write, .kept = 0};
}

emulator::Fault::Kind kind_of(EmulatorFault::Kind kind) {
  using To = emulator::Fault::Kind;
  switch (kind) {
    case EmulatorFault::Kind::status:
      return To::status;
    case EmulatorFault::Kind::text:
      return To::text;
    case EmulatorFault::Kind::cut:
      return To::cut;
    case EmulatorFault::Kind::truncate:
      return To::truncate;
    case EmulatorFault::Kind::corrupt:
      return To::corrupt;
  }
  return To::status;
}

Result<emulator::EcrOptions> ecr_options(const EmulatedEcr& wanted) {
  emulator::EcrOptions out;
  const auto is = [](const std::string& text, const char* allowed) {
    return !text.empty() && text.find_first_not_of(allowed) == std::string::npos;
  };
  if (wanted.account.size() != 12 || !is(wanted.account, "0123456789")) {
    return make_error(Errc::invalid_argument, "account " + escaped(wanted.account) + " is not 12 digits");
  }
  if (!is(wanted.region, "abcdefghijklmnopqrstuvwxyz0123456789-")) {
    return make_error(Errc::invalid_argument, "region " + escaped(wanted.region));
  }
  out.account = wanted.account;
  out.region = wanted.region;
  for (const auto& [name, value] : wanted.modes) DAVIT_TRY_VOID(out.modes.set(name, value));
  return out;
}

Error plain_registry() {
  return make_error(Errc::unsupported, "the emulator is a plain registry", "start it with `ecr` set");
}

}  // namespace

struct Emulator::State {
  std::unique_ptr<emulator::Registry> plain;
  std::unique_ptr<emulator::Ecr> ecr;
  std::string registry;
  std::string api_url;
  std::string certificate;
};

Emulator::Emulator(std::unique_ptr<State> state) : state_(std::move(state)) {}
Emulator::Emulator(Emulator&&) noexcept = default;
Emulator& Emulator::operator=(Emulator&&) noexcept = default;
Emulator::~Emulator() = default;

Result<Emulator> Emulator::start(const EmulatorOptions& options) {
  emulator::Address listen;
  try {
    listen = emulator::Address::parse(options.listen);
  } catch (const std::runtime_error& thrown) {
    return make_error(Errc::invalid_argument, escaped(thrown.what()), kListenForm);
  }
  if (listen.host == "localhost") listen.host = "127.0.0.1";
  listen.anywhere = options.allow_remote;
  if (!emulator::is_address(listen.host)) {
    return make_error(Errc::invalid_argument, "listen on " + escaped(options.listen) + ": not an address",
                      kListenForm);
  }
  if (!options.allow_remote && !emulator::is_loopback(listen.host)) {
    return make_error(Errc::invalid_argument,
                      "listen on " + escaped(options.listen) + ": not a loopback address",
                      "whoever reaches it can read and change everything; --allow-remote permits that");
  }
  auto state = std::make_unique<State>();
  try {
    std::optional<emulator::TlsIdentity> tls;
    if (options.tls) {
      tls = emulator::self_signed(listen.host);
      state->certificate = tls->certificate_pem;
    }
    if (options.ecr) {
      DAVIT_TRY(emulator::EcrOptions ecr, ecr_options(*options.ecr));
      ecr.listen = listen;
      ecr.folder = options.folder;
      ecr.tls = tls;
      ecr.log = log_of(options);
      state->ecr = std::make_unique<emulator::Ecr>(ecr);
      state->registry = state->ecr->authority();
      state->api_url = state->ecr->api_url();
    } else {
      state->plain = std::make_unique<emulator::Registry>(emulator::RegistryOptions{
          .listen = listen, .folder = options.folder, .tls = tls, .log = log_of(options)});
      state->registry = state->plain->authority();
    }
  } catch (const std::exception& thrown) {
    return make_error(Errc::local_io, "start the emulator: " + escaped(thrown.what()));
  }
  return Emulator(std::move(state));
}

const std::string& Emulator::registry() const {
  return state_->registry;
}
const std::string& Emulator::api_url() const {
  return state_->api_url;
}
const std::string& Emulator::certificate() const {
  return state_->certificate;
}

std::map<std::string, std::string> Emulator::environment() const {
  if (state_->ecr) return state_->ecr->environment();
  return {{"DAVIT_REGISTRY", state_->registry}};
}

Result<> Emulator::create_repository(const std::string& name) {
  if (!state_->ecr) return plain_registry();
  if (!emulator::is_repository_name(name)) {
    return make_error(Errc::invalid_argument, "repository " + escaped(name) + " is no name of one");
  }
  try {
    state_->ecr->backend().create({.name = name});
  } catch (const emulator::Refusal& refusal) {
    return make_error(Errc::already_exists, refusal.message);
  }
  return {};
}

Secret Emulator::registry_password() const {
  return state_->ecr ? Secret(state_->ecr->registry_password()) : Secret();
}

Secret Emulator::sso_cache() const {
  return state_->ecr ? Secret(state_->ecr->sso_cache()) : Secret();
}

void Emulator::deny(const std::string& operation, const std::string& repository) {
  if (state_->ecr) state_->ecr->controls().deny(operation, repository);
}

void Emulator::allow_everything() {
  if (state_->ecr) state_->ecr->controls().allow_everything();
}

void Emulator::fail_next(const EmulatorFault& fault) {
  if (!state_->ecr) return;
  state_->ecr->controls().fail_next({.operation = fault.operation,
                                     .kind = kind_of(fault.kind),
                                     .status = fault.status,
                                     .after = fault.after,
                                     .times = fault.times});
}

Result<> Emulator::set_mode(std::string_view name, std::string_view value) {
  return state_->ecr ? state_->ecr->controls().set_mode(name, value) : Result<>(plain_registry());
}

void Emulator::advance(std::chrono::milliseconds by) {
  if (state_->ecr) state_->ecr->advance(by);
}

int Emulator::calls(const std::string& operation) const {
  return state_->ecr ? state_->ecr->controls().calls(operation) : 0;
}

std::vector<Emulator::Mode> Emulator::modes() {
  std::vector<Mode> out;
  for (const auto& mode : emulator::all_modes())
    out.push_back({mode.name, mode.values, mode.fallback, mode.help});
  return out;
}

}  // namespace davit
