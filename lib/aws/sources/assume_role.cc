#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "aws/sources.h"
#include "aws/sts.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

constexpr std::size_t kLongestChain = 20;

/// The keys of one answer; there are no others behind them.
class FixedSigner final : public Signer {
 public:
  explicit FixedSigner(Keys keys) : keys_(std::move(keys)) {}
  Result<Keys> keys(const CallContext&) override { return keys_; }
  void expired(const Keys&) override {}

 private:
  const Keys keys_;
};

std::string shown(const std::string& profile) {
  return "profile " + escaped(profile, 60);
}

bool assumes_role(const Settings& settings) {
  return settings.has("role_arn") && !settings.has("web_identity_token_file");
}

Result<RoleRequest> role_of(const Settings& settings, const std::string& profile, Clock& clock) {
  if (settings.has("mfa_serial")) {
    return make_error(
        Errc::unsupported, shown(profile) + " wants a code from an MFA device, for which davit cannot ask",
        "get credentials with the AWS command line first: eval \"$(aws configure export-credentials "
        "--profile " +
            escaped(profile, 60) + " --format env)\"");
  }
  RoleRequest role{.role_arn = settings.text("role_arn"),
                   .session_name = settings.text("role_session_name"),
                   .external_id = settings.text("external_id"),
                   .duration_seconds = settings.text("duration_seconds")};
  if (role.session_name.empty()) role.session_name = session_name(clock);
  if (!role.duration_seconds.empty()) {
    const std::string& text = role.duration_seconds;
    int value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || value < 900 ||
        value > 43'200) {
      return make_error(Errc::invalid_argument,
                        shown(profile) + ": duration_seconds is not a number from 900 to 43200");
    }
  }
  return role;
}

/// Follows source_profile from profile to profile.
class RoleChain {
 public:
  explicit RoleChain(const Inquiry& inquiry) : inquiry_(inquiry) {}

  Result<Credentials> assume(const std::string& profile, const Settings& settings) {
    visited_.push_back(profile);
    if (visited_.size() > kLongestChain) return loop();
    DAVIT_TRY(const RoleRequest role, role_of(settings, profile, inquiry_.clock));
    const std::string from_profile = settings.text("source_profile");
    const std::string from_place = settings.text("credential_source");
    if (from_profile.empty() == from_place.empty()) {
      return make_error(Errc::invalid_argument,
                        shown(profile) + " has role_arn and " +
                            (from_profile.empty() ? "neither source_profile nor credential_source"
                                                  : "both source_profile and credential_source"),
                        "a role is assumed with the credentials of exactly one of them");
    }
    auto source =
        from_place.empty() ? from_source(profile, from_profile) : from_named_place(from_place, profile);
    if (!source) return std::move(source).error();
    return assume_with(inquiry_, *source, role, shown(profile) + " (assumed role)");
  }

 private:
  Result<Credentials> from_source(const std::string& profile, const std::string& source) {
    const Settings* settings = inquiry_.setup.files.profile(source);
    if (settings == nullptr) {
      return make_error(Errc::invalid_argument,
                        shown(profile) + ": its source_profile " + escaped(source, 60) + " does not exist");
    }
    const bool has_keys = settings->has("aws_access_key_id") && settings->has("aws_secret_access_key");
    const bool seen = std::ranges::find(visited_, source) != visited_.end();
    // A profile may name itself when it has keys: these are then meant.
    if (seen && !(source == profile && has_keys)) return loop();
    if (!has_keys && assumes_role(*settings)) return assume(source, *settings);
    DAVIT_TRY(auto found, aws::from_profile(inquiry_, source));
    if (found) return *std::move(found);
    return make_error(Errc::unauthenticated, shown(profile) + ": its source_profile " + escaped(source, 60) +
                                                 " says nothing about credentials");
  }

  Result<Credentials> from_named_place(const std::string& place, const std::string& profile) {
    const bool known = place == "Environment" || place == "EcsContainer" || place == "Ec2InstanceMetadata";
    if (!known) {
      return make_error(Errc::invalid_argument,
                        shown(profile) + ": credential_source " + escaped(place, 60) + " is unknown",
                        "it is Environment, EcsContainer or Ec2InstanceMetadata");
    }
    const auto ask = place == "Environment"    ? from_environment
                     : place == "EcsContainer" ? from_container
                                               : from_instance;
    DAVIT_TRY(auto found, ask(inquiry_));
    if (found) return *std::move(found);
    const std::string said = inquiry_.said.empty() ? std::string() : ": " + inquiry_.said.back();
    return make_error(Errc::unauthenticated,
                      shown(profile) + ": there are no credentials in its credential_source " + place + said);
  }

  [[nodiscard]] Error loop() const {
    std::string names;
    for (const std::string& name : visited_) names += escaped(name, 60) + " > ";
    return make_error(Errc::invalid_argument,
                      "AWS profiles whose source_profile leads in a circle: " + names + "...");
  }

  const Inquiry& inquiry_;
  std::vector<std::string> visited_;
};

}  // namespace

std::string session_name(Clock& clock) {
  using namespace std::chrono;
  return "davit-" + std::to_string(duration_cast<seconds>(clock.wall().time_since_epoch()).count());
}

Result<Credentials> assume_with(const Inquiry& inquiry, const Credentials& source, const RoleRequest& role,
                                const std::string& who) {
  DAVIT_TRY(const Endpoint endpoint, inquiry.sts());
  FixedSigner signer(source.keys);
  return assume_role(inquiry.calls, signer, endpoint, role, who, inquiry.context);
}

Found from_role_profile(const Inquiry& inquiry, const std::string& profile) {
  const Settings* settings = inquiry.setup.files.profile(profile);
  if (settings == nullptr || !assumes_role(*settings)) return std::optional<Credentials>();
  DAVIT_TRY(Credentials credentials, RoleChain(inquiry).assume(profile, *settings));
  return std::optional(std::move(credentials));
}

}  // namespace davit::aws
