#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <davit/result.h>
#include <davit/secret.h>

namespace davit {

/// One request to an emulator, when its answer has gone out.
struct EmulatorAccess {
  std::string listener;  ///< "registry", "tokens", "store" (blob downloads) or "api" (ECR, STS, metadata)
  std::string method;
  std::string path;            ///< without the query, which may hold a signature
  std::string operation = {};  ///< of ECR, STS or SSO: "PutImage"; empty for everything else
  int status = 0;
  std::uint64_t bytes_in = 0;   ///< of the body
  std::uint64_t bytes_out = 0;  ///< of the body
  std::chrono::microseconds duration{0};
};

/// Something that goes wrong on demand.
struct EmulatorFault {
  enum class Kind {
    status,    ///< `status`, with the error that belongs to it
    text,      ///< `status`, with a body that is no registry's
    cut,       ///< the connection is reset instead of an answer
    truncate,  ///< the connection is reset after `after` bytes of the answer's body
    corrupt,   ///< one byte of the body is another
  };
  std::string operation = {};  ///< "PutImage", "InitiateLayerUpload", "Download" (blob store); empty: any
  Kind kind = Kind::status;
  int status = 500;
  std::uint64_t after = 0;
  int times = 1;
};

/// The account and region of an emulated Amazon ECR.
struct EmulatedEcr {
  std::string account = "123456789012";
  std::string region = "us-east-1";
  /// Behaviours that are uncertain or occasional: see Emulator::modes().
  std::map<std::string, std::string> modes = {};
};

struct EmulatorOptions {
  /// Where the registry listens: "127.0.0.1:5000", "[::1]:5000". Port 0 lets the system choose, no port is
  /// 5000. Everything else gets ports of its own on the same address.
  std::string listen = "127.0.0.1:0";
  /// An OCI layout that keeps the images, and of an ECR the settings of its repositories beside them; made
  /// when it is not there. One emulator at a time uses it. Empty: memory.
  std::filesystem::path folder = {};
  /// An address that other machines can reach is refused without this. There is no protection behind it.
  bool allow_remote = false;
  /// With a certificate of its own, see Emulator::certificate().
  bool tls = false;
  /// Behave as ECR. Otherwise: a plain OCI registry that lets everybody in.
  std::optional<EmulatedEcr> ecr = {};
  /// Called for each request, on many threads at once; must not call the emulator.
  std::function<void(const EmulatorAccess&)> access_log = {};
};

/// A registry inside this process, for tests and development: a plain OCI registry, or Amazon ECR with its
/// API, STS, credential endpoints and blob store. Serves from start() to destruction, which ends all
/// connections. Thread-safe; movable. docs/emulator.md says what it imitates and where it stops.
///
///   auto emulator = davit::Emulator::start({.ecr = davit::EmulatedEcr{.region = "eu-west-1"}}).value();
///   emulator.create_repository("app");
///   for (const auto& [name, value] : emulator.environment()) setenv(name.c_str(), value.c_str(), 1);
///   ... push to emulator.registry() + "/app:1" ...
///   assert(emulator.calls("PutImage") == 1);
class Emulator {
 public:
  /// Errors: invalid_argument for an address, account, region or mode that cannot be; local_io when it cannot
  /// listen there or use the folder.
  static Result<Emulator> start(const EmulatorOptions& options = {});

  Emulator(Emulator&&) noexcept;
  Emulator& operator=(Emulator&&) noexcept;
  ~Emulator();

  /// "127.0.0.1:41234", as it stands in front of references.
  [[nodiscard]] const std::string& registry() const;
  /// "http://127.0.0.1:41235": the ECR API, STS and the metadata endpoints. Empty for a plain registry.
  [[nodiscard]] const std::string& api_url() const;
  /// What trusts its TLS, as PEM; empty without TLS.
  [[nodiscard]] const std::string& certificate() const;
  /// Environment variables that make davit and AWS's tools use it. They hold keys of the emulator, which open
  /// nothing else.
  [[nodiscard]] std::map<std::string, std::string> environment() const;

  // What follows is for an emulated ECR; elsewhere it does nothing, and fails where it can fail.

  /// Errors: already_exists, invalid_argument; unsupported for a plain registry.
  Result<> create_repository(const std::string& name);
  /// A token that opens the registry, as the password of the user AWS; empty for a plain registry.
  [[nodiscard]] Secret registry_password() const;

  /// What `aws sso login` would have written to ~/.aws/sso/cache/SHA1(session name).json; empty for a plain
  /// registry. Its tokens open nothing but emulators.
  [[nodiscard]] Secret sso_cache() const;

  /// From now on nobody may do this: "PutImage", "AssumeRole". With a repository, only there.
  void deny(const std::string& operation, const std::string& repository = {});
  void allow_everything();
  void fail_next(const EmulatorFault& fault);
  /// Errors: invalid_argument, its hint naming what there is; unsupported for a plain registry.
  Result<> set_mode(std::string_view name, std::string_view value);
  /// Moves the emulator's clock: tokens, sessions and URLs end, rates refill.
  void advance(std::chrono::milliseconds by);
  /// How often an operation was asked for, by the API or by the registry request that stands for it.
  [[nodiscard]] int calls(const std::string& operation) const;

  /// A line of the list of modes.
  struct Mode {
    std::string_view name;
    std::string_view values;  ///< "a|b"; NUMBER, NUMBER>0, RATES, ALIAS and TEXT stand for such
    std::string_view initial;
    std::string_view help;
  };
  static std::vector<Mode> modes();

 private:
  struct State;
  explicit Emulator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace davit
