#pragma once

#include <memory>
#include <string>
#include <vector>

#include <davit/result.h>

namespace davit::crypto {

/// Certificate authorities, parsed once and lent to every TLS context. Thread-safe.
class TrustStore {
 public:
  /// The system's authorities from `system_file` and `system_directory` (empty or unreadable ones are passed
  /// over), and those of the PEM files `extra_files`, of which each may be PEM text itself. Errors: local_io,
  /// for `extra_files` only.
  static Result<std::unique_ptr<TrustStore>> load(const std::string& system_file,
                                                  const std::string& system_directory,
                                                  const std::vector<std::string>& extra_files);
  ~TrustStore();
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;

  /// Makes an OpenSSL SSL_CTX (given as the void pointer that libcurl passes on) trust these and nothing
  /// else.
  void install(void* ssl_context) const;

 private:
  struct State;
  explicit TrustStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace davit::crypto
