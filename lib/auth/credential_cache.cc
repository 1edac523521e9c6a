#include "auth/credential_cache.h"

#include "base/try.h"

namespace davit::auth {

Result<SharedCredential> CredentialCache::find(const std::string& repository, const CallContext& context) {
  return questions_.run(
      repository,
      [&]() -> Result<SharedCredential> {
        {
          MutexLock lock(mutex_);
          const auto known = known_.find(repository);
          if (known != known_.end()) return known->second;
        }
        return ask(repository, context);
      },
      context);
}

Result<SharedCredential> CredentialCache::ask(const std::string& repository, const CallContext& context) {
  SharedCredential found;
  for (const std::shared_ptr<CredentialSource>& source : sources_) {
    auto answer = source->find(host_, repository, context);
    if (!answer) return answer.error().with_context("credentials for " + host_);
    if (!*answer) continue;
    found = std::make_shared<const Credential>(**std::move(answer));
    break;
  }
  MutexLock lock(mutex_);
  known_[repository] = found;
  return found;
}

void CredentialCache::forget(const std::string& repository, const SharedCredential& refused) {
  MutexLock lock(mutex_);
  const auto known = known_.find(repository);
  if (known != known_.end() && known->second == refused) known_.erase(known);
}

void CredentialCache::renew(const std::string& repository, const SharedCredential& old,
                            const Secret& identity_token) {
  Credential changed = *old;
  changed.identity_token = identity_token;
  MutexLock lock(mutex_);
  const auto known = known_.find(repository);
  if (known != known_.end() && known->second == old)
    known->second = std::make_shared<const Credential>(std::move(changed));
}

}  // namespace davit::auth
