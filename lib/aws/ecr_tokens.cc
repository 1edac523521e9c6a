#include "aws/ecr_tokens.h"

#include <algorithm>

#include "base/context.h"
#include "base/try.h"

namespace davit::aws {
namespace {

/// What ECR documents, and more than this is not believed.
constexpr std::chrono::seconds kLongestLife{12 * 3600};
/// One that seems to end at once comes from a wrong clock here: the registry will say when it has ended.
constexpr std::chrono::seconds kShortestLife{600};
/// After a renewal that failed while the old password is still good.
constexpr std::chrono::seconds kRenewalPause{60};

std::string key_of(const EcrSite& site) {
  const EcrHost& host = site.host;
  return (host.is_public ? "public" : host.region + "/" + host.account) + " " + site.api_endpoint;
}

/// How long it lasts from now. Its end is by AWS's clock, which need not be this machine's.
std::chrono::seconds life_of(const EcrGrant& grant, std::chrono::system_clock::time_point now) {
  if (grant.expires == std::chrono::system_clock::time_point::max()) return kLongestLife;
  return std::clamp(std::chrono::duration_cast<std::chrono::seconds>(grant.expires - now), kShortestLife,
                    kLongestLife);
}

}  // namespace

Result<EcrToken> EcrTokens::get(const EcrSite& site, const CallContext& context) {
  const std::string key = key_of(site);
  EcrToken old;
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(key);
    const Clock::Steady now = clock_.steady();
    if (found != entries_.end() && !found->second.refused && now < found->second.expires_at) {
      Entry& entry = found->second;
      if (now < entry.renew_at || entry.renewing) return entry.token;
      entry.renewing = true;
      old = entry.token;
    }
  }
  if (!old.text.empty()) return renew(site, key, std::move(old), context);
  return fetches_.run(
      key, [&] { return fetch(site, key, context); }, context);
}

/// The old one is still good: whatever becomes of this, nobody is worse off.
Result<EcrToken> EcrTokens::renew(const EcrSite& site, const std::string& key, EcrToken old,
                                  const CallContext& context) {
  EcrApi api(api_, identity_, site);
  const auto grant = api.authorization_token(context);
  MutexLock lock(mutex_);
  Entry& entry = entries_[key];
  entry.renewing = false;
  const Clock::Steady now = clock_.steady();
  if (!grant) {
    entry.renew_at = std::min(entry.expires_at, now + kRenewalPause);
    log_.write(LogLevel::info, "aws", "the ECR token could not be renewed yet",
               {{"error", grant.error().message}});
    return old;
  }
  const auto life = life_of(*grant, clock_.wall());
  entry = {.token = {.text = grant->token, .proxy_endpoint = grant->proxy_endpoint, .since = now},
           .renew_at = now + life / 2,
           .expires_at = now + life};
  return entry.token;
}

Result<EcrToken> EcrTokens::fetch(const EcrSite& site, const std::string& key, const CallContext& context) {
  bool after_refusal = false;
  {
    // Somebody may have brought one between our look and our turn.
    MutexLock lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      if (!found->second.refused && clock_.steady() < found->second.renew_at) return found->second.token;
      after_refusal = found->second.refused.has_value();
    }
  }
  EcrApi api(api_, identity_, site);
  const auto granted = api.authorization_token(context);
  if (!granted) {
    DAVIT_TRY_VOID(check(context));
    if (auto old = left(key, granted.error())) return *std::move(old);
    return granted.error();
  }
  const EcrGrant& grant = *granted;
  const auto life = life_of(grant, clock_.wall());
  const Clock::Steady now = clock_.steady();
  Entry made{.token = {.text = grant.token,
                       .proxy_endpoint = grant.proxy_endpoint,
                       .since = now,
                       .after_refusal = after_refusal},
             .renew_at = now + life / 2,
             .expires_at = now + life};
  log_.write(LogLevel::debug, "aws", "got an ECR token",
             {{"registry", site.host.is_public ? "public" : site.host.account + "." + site.host.region},
              {"seconds", std::to_string(life.count())}});
  MutexLock lock(mutex_);
  return entries_.insert_or_assign(key, std::move(made)).first->second.token;
}

std::optional<EcrToken> EcrTokens::left(const std::string& key, const Error& error) {
  MutexLock lock(mutex_);
  const auto found = entries_.find(key);
  const Clock::Steady now = clock_.steady();
  if (found == entries_.end() || found->second.refused != Refused::guessed || now >= found->second.expires_at)
    return {};
  Entry& entry = found->second;
  entry.refused.reset();
  entry.guess_again_at = now + kRenewalPause;
  entry.renew_at = std::min(entry.expires_at, std::max(entry.renew_at, entry.guess_again_at));
  log_.write(LogLevel::info, "aws", "a refused ECR token could not be replaced yet",
             {{"error", error.message}});
  return entry.token;
}

bool EcrTokens::refused(const EcrSite& site, const Secret& refused, Refused how) {
  MutexLock lock(mutex_);
  const auto found = entries_.find(key_of(site));
  if (found == entries_.end() || found->second.token.text.reveal() != refused.reveal()) return true;
  Entry& entry = found->second;
  if (how == Refused::guessed && clock_.steady() < entry.guess_again_at) return false;
  if (entry.refused != Refused::expired) entry.refused = how;
  return true;
}

void EcrTokens::share(const EcrSite& from, const EcrSite& to) {
  MutexLock lock(mutex_);
  const auto found = entries_.find(key_of(from));
  if (found == entries_.end()) return;
  Entry copy = found->second;
  copy.renewing = false;
  entries_.try_emplace(key_of(to), std::move(copy));
}

}  // namespace davit::aws
