#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/endpoints.h"

namespace davit::aws {

/// Whose registry a host is, as its name says it. Plain data.
struct EcrHost {
  std::string account;  ///< 12 digits; empty for the public gallery
  std::string region;   ///< "us-east-1" for the public gallery, whose logins are made there
  EndpointForm form = {};
  bool is_public = false;

  friend bool operator==(const EcrHost& a, const EcrHost& b) {
    return a.account == b.account && a.region == b.region && a.form.fips == b.form.fips &&
           a.form.dual_stack == b.form.dual_stack && a.is_public == b.is_public;
  }
};

/// Reads "123456789012.dkr.ecr.eu-west-1.amazonaws.com[:PORT]" and its relatives: FIPS, dual-stack, every
/// partition, the public gallery. The whole name has to fit, so nobody else's name ever does: what this
/// accepts is signed for and sent a password. Case does not matter.
std::optional<EcrHost> parse_ecr_host(std::string_view host);

/// The classic name of an account's registry in a region. REQUIRES: is_account(account), is_region(region).
std::string ecr_host_name(std::string_view account, std::string_view region);

/// Twelve digits.
bool is_account(std::string_view text);
/// Something that AWS could call a region: "eu-west-1", "us-gov-east-1".
bool looks_like_region(std::string_view text);

}  // namespace davit::aws
