#include "aws/ecr_host.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace davit::aws {
namespace {

constexpr std::string_view kPublicRegion = "us-east-1";

constexpr std::array<std::string_view, 9> kSuffixes{
    "amazonaws.com", "amazonaws.com.cn", "amazonaws.eu",   "on.aws",         "on.amazonwebservices.com.cn",
    "c2s.ic.gov",    "sc2s.sgov.gov",    "cloud.adc-e.uk", "csp.hci.ic.gov",
};

struct PublicName {
  std::string_view host;
  bool dual_stack;
};
constexpr std::array kPublicNames{PublicName{"public.ecr.aws", false},
                                  PublicName{"ecr-public.aws.com", true}};

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, is_digit)) return false;
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value >= 1 && value <= 65535;
}

/// One label of a host name, in the letters that regions are made of.
bool is_region_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

/// Takes `word` off the front.
bool skip(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

}  // namespace

bool is_account(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, is_digit);
}

bool looks_like_region(std::string_view text) {
  // Words of letters, two at least, and a number behind them.
  int words = 0;
  for (;;) {
    const std::string_view word = text.substr(0, text.find('-'));
    if (word.empty()) return false;
    if (word.size() == text.size())
      return words >= 2 && text.size() <= 2 && std::ranges::all_of(text, is_digit);
    if (!std::ranges::all_of(word, is_lower) || (words == 0 && word.size() < 2)) return false;
    ++words;
    text.remove_prefix(word.size() + 1);
  }
}

std::optional<EcrHost> parse_ecr_host(std::string_view host) {
  if (host.size() > 253 + 6) return {};
  const std::string lower = lower_case(host);
  std::string_view text = lower;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    if (!is_port(text.substr(colon + 1))) return {};
    text = text.substr(0, colon);
  }
  for (const PublicName& name : kPublicNames) {
    if (text == name.host)
      return EcrHost{.region = std::string(kPublicRegion),
                     .form = {.fips = false, .dual_stack = name.dual_stack},
                     .is_public = true};
  }

  EcrHost out{.account = std::string(text.substr(0, 12))};
  if (!is_account(out.account)) return {};
  text.remove_prefix(12);
  if (skip(text, ".dkr-ecr")) {
    out.form.dual_stack = true;
  } else if (!skip(text, ".dkr.ecr")) {
    return {};
  }
  out.form.fips = skip(text, "-fips");
  if (!skip(text, ".")) return {};
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return {};
  out.region = text.substr(0, dot);
  if (!is_region_label(out.region) || std::ranges::find(kSuffixes, text.substr(dot + 1)) == kSuffixes.end())
    return {};
  return out;
}

std::string ecr_host_name(std::string_view account, std::string_view region) {
  return std::string(account) + ".dkr.ecr." + std::string(region) + "." +
         std::string(partition_of(region).dns_suffix);
}

}  // namespace davit::aws
