#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <davit/credentials.h>

#include "auth/shared_calls.h"
#include "base/mutex.h"

namespace davit::auth {

/// A credential, or null for "there is none". Co-owned by the cache and the requests that use it.
using SharedCredential = std::shared_ptr<const Credential>;

/// Asks the sources of one registry in order, once per repository, and remembers the answer until it is
/// forgotten. Threads that want the same share one question. Thread-safe.
class CredentialCache {
 public:
  CredentialCache(std::string host, std::vector<std::shared_ptr<CredentialSource>> sources)
      : host_(std::move(host)), sources_(std::move(sources)) {}

  /// Errors are the sources' own and are not remembered.
  Result<SharedCredential> find(const std::string& repository, const CallContext& context);

  /// The next find() asks the sources again, unless `refused` is not the current one any more.
  void forget(const std::string& repository, const SharedCredential& refused);

  /// A token service has replaced the identity token of `old`.
  void renew(const std::string& repository, const SharedCredential& old, const Secret& identity_token);

 private:
  Result<SharedCredential> ask(const std::string& repository, const CallContext& context);

  const std::string host_;
  const std::vector<std::shared_ptr<CredentialSource>> sources_;  // shared with the client
  SharedCalls<SharedCredential> questions_;
  Mutex mutex_;
  std::map<std::string, SharedCredential> known_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::auth
