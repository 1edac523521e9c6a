#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "emulator/access_log.h"
#include "emulator/ecr/api_front.h"
#include "emulator/ecr/backend.h"
#include "emulator/ecr/controls.h"
#include "emulator/ecr/identity_front.h"
#include "emulator/ecr/registry_front.h"
#include "emulator/ecr/sign_in_front.h"
#include "emulator/ecr/store_front.h"
#include "emulator/http_server.h"
#include "emulator/storage.h"

namespace davit::emulator {

struct EcrOptions {
  Address listen = {};  ///< the registry; API and store get ports of their own on the same address
  std::filesystem::path folder = {};  ///< an OCI layout that keeps all; empty: memory
  std::optional<TlsIdentity> tls = {};
  std::string account = "123456789012";
  std::string region = "us-east-1";
  Modes modes = {};
  Clock* clock = nullptr;  ///< the machine's when null; outlives the emulator
  AccessLogOptions log = {};
};

/// Amazon ECR of one account and region, on loopback: the registry, the store its downloads come from, and on
/// a third port the ECR API, STS, SSO and the credential endpoints of instances, containers and jobs. Serves
/// from construction to destruction. Thread-safe. Throws std::runtime_error when it cannot listen or use its
/// folder.
///
///   emulator::Ecr ecr({.region = "eu-west-1"});
///   ecr.backend().create({.name = "app"});
///   ... push to ecr.authority() + "/app:1", with ecr.environment() ...
///   CHECK(ecr.controls().calls("PutImage") == 1);
class Ecr {
 public:
  explicit Ecr(const EcrOptions& options = {});
  ~Ecr();
  Ecr(const Ecr&) = delete;
  Ecr& operator=(const Ecr&) = delete;

  /// "127.0.0.1:41234", of the registry
  [[nodiscard]] std::string authority() const { return place_.registry; }
  [[nodiscard]] const std::string& url() const { return place_.registry_url; }
  [[nodiscard]] const std::string& api_url() const { return place_.api_url; }
  [[nodiscard]] std::string store_authority() const { return store_server_->address().to_string(); }
  [[nodiscard]] const Place& place() const { return place_; }

  /// The account's user, for tests that sign by themselves.
  [[nodiscard]] Principal user() const { return account_user(place_.region, place_.account); }
  /// base64 of `AWS:password`, as GetAuthorizationToken gives it.
  [[nodiscard]] std::string authorization_token() const;
  [[nodiscard]] std::string registry_password() const;
  /// What makes davit and AWS tools use this emulator.
  [[nodiscard]] std::map<std::string, std::string> environment() const;

  /// See SignInFront.
  [[nodiscard]] std::string sso_cache() const { return sign_in_.sso_cache(); }

  void advance(std::chrono::milliseconds by) { clock_.advance(by); }
  [[nodiscard]] Controls& controls() { return controls_; }
  [[nodiscard]] Backend& backend() { return backend_; }
  [[nodiscard]] Storage& storage() { return storage_; }

  /// See AccessLog::lines.
  [[nodiscard]] std::vector<Access> log(std::string_view method = {}, std::string_view target = {}) const {
    return log_.lines(method, target);
  }
  [[nodiscard]] std::vector<Access> log(Access::Port port) const { return log_.lines(port); }
  void clear_log() { log_.clear(); }

 private:
  Response api_port(Request& request);

  ShiftedClock clock_;
  AccessLog log_;
  Storage storage_;
  Controls controls_;
  Place place_;  // complete before the servers start
  Backend backend_;
  IdentityFront identity_;
  SignInFront sign_in_;
  std::unique_ptr<StoreFront> store_;
  std::unique_ptr<RegistryFront> registry_;
  std::unique_ptr<ApiFront> api_;
  std::unique_ptr<HttpServer> store_server_;
  std::unique_ptr<HttpServer> api_server_;
  std::unique_ptr<HttpServer> registry_server_;
};

}  // namespace davit::emulator
