#include "client/principals.h"

namespace davit::client {

std::string key_of(const AwsIdentity& who) {
  return who.profile + '\n' + who.role_arn + '\n' + who.region;
}

AwsIdentity merged(const AwsIdentity& over, const AwsIdentity& under) {
  AwsIdentity out = over;
  if (out.profile.empty()) {
    out.profile = under.profile;
    out.profile_from = under.profile_from;
    if (out.role_arn.empty()) out.role_arn = under.role_arn;
  }
  if (out.region.empty()) out.region = under.region;
  return out;
}

Principal& Principals::of(const AwsIdentity& who) {
  MutexLock lock(mutex_);
  Principal& principal = known_[key_of(who)];
  if (!principal.identity) {
    principal.identity = aws::make_identity(who, environment_, transport_, clock_, log_, offset_);
    principal.api = aws::make_api(*principal.identity, transport_, clock_, log_, offset_);
    principal.tokens = std::make_unique<aws::EcrTokens>(*principal.api, *principal.identity, clock_, log_);
  }
  return principal;
}

}  // namespace davit::client
