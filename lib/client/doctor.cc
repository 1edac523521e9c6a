// A look at everything that has to be right before images move, one thing after the other.

#include <davit/client.h>
#include <davit/reference.h>

#include <algorithm>

#include "aws/ecr_api.h"
#include "aws/sts.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/client_impl.h"
#include "client/ecr_reference.h"
#include "net/proxy.h"
#include "net/resolver.h"
#include "registry/fields.h"

namespace davit {
namespace {

using State = Finding::State;

/// AWS refuses signatures that are five minutes off; everything else gets odd before that.
constexpr std::chrono::seconds kClockBad{300};
constexpr std::chrono::seconds kClockOdd{30};
constexpr std::chrono::seconds kLookup{15};

class Examination {
 public:
  Examination(client::Registries& registries, net::Transport& transport, const ClientOptions& options,
              CallContext context)
      : registries_(registries), transport_(transport), options_(options), context_(std::move(context)) {}

  Result<std::vector<Finding>> run(std::string_view text) {
    if (text.empty()) {
      aws(registries_.identity_for("", Side::source));
      return std::move(findings_);
    }
    const bool named = client::is_ecr_reference(text) || text.find('/') != std::string_view::npos;
    const auto expanded = registries_.expanded(text, Side::source, context_);
    if (!expanded) {
      bad("name", expanded.error());
      return std::move(findings_);
    }
    const std::string& written = *expanded;
    DAVIT_TRY(const Reference reference, Reference::parse(named ? written : written + "/x"));
    DAVIT_TRY(const auto site, registries_.ecr_site(reference.host));
    DAVIT_TRY(const net::Url base, registries_.origin(reference.host));
    if (!reachable(base)) return std::move(findings_);
    const AwsIdentity who = registries_.identity_for(reference.host, Side::source);
    DAVIT_TRY(const auto repository,
              registries_.repository(reference.host, reference.repository, Side::source));
    const std::size_t about_aws = findings_.size();
    const bool has_aws = site && !has_chosen_login(*repository, reference) && aws(who);
    const bool in = login(*repository);
    // Other credentials, or none in the public gallery, will do as well.
    for (std::size_t i = about_aws; in && i < findings_.size(); ++i) {
      if (findings_[i].state == State::bad) findings_[i].state = State::skipped;
    }
    if (!in || !named) return std::move(findings_);
    if (has_aws && !site->host.is_public) {
      ecr_repository(who, *site, reference);
    } else {
      image(*repository, reference);
    }
    return std::move(findings_);
  }

 private:
  void note(State state, std::string what, std::string text, std::string cure = {}) {
    findings_.push_back(
        {.state = state, .what = std::move(what), .text = std::move(text), .cure = std::move(cure)});
  }
  void bad(std::string what, const Error& error) {
    findings_.push_back({.state = State::bad,
                         .what = std::move(what),
                         .text = error.message,
                         .cure = error.hint,
                         .code = error.code});
  }

  /// Proxy, name, connection, TLS and clock.
  bool reachable(const net::Url& base) {
    std::string proxy = net::proxy_for(base, {.http = options_.http_proxy,
                                              .https = options_.https_proxy,
                                              .all = options_.all_proxy,
                                              .none = options_.no_proxy});
    if (const auto at = proxy.rfind('@'); at != std::string::npos) proxy.erase(0, at + 1);  // a password
    note(State::good, "proxy", proxy.empty() ? "none" : escaped(proxy, 120));
    if (proxy.empty()) {
      net::Resolver resolver{{}};
      const auto addresses = resolver.resolve(base.host(), kLookup, context_);
      if (!addresses) return bad("dns", addresses.error()), false;
      note(State::good, "dns", base.host() + " is " + addresses->front());
    }
    const net::Request request{.url = base.with_path("/v2/")};
    const auto response = transport_.exchange(request, context_);
    if (!response) return bad("connection", response.error()), false;
    note(State::good, "connection",
         std::string(base.secure() ? "TLS" : "plain HTTP") + " to " + base.host_port());
    clock(response->headers.get("Date"));
    return true;
  }

  void clock(std::string_view date) {
    const auto theirs = registry::parse_http_date(date);
    if (!theirs) return note(State::skipped, "clock", "the registry does not say what time it is");
    const auto apart =
        std::chrono::abs(*theirs - std::chrono::floor<std::chrono::seconds>(Clock::system().wall()));
    const std::string text = std::to_string(apart.count()) + " s apart from the registry's";
    if (apart >= kClockBad)
      return bad("clock", make_error(Errc::denied, text, "set this machine's clock: AWS refuses signatures"));
    note(apart >= kClockOdd ? State::warning : State::good, "clock", text,
         apart >= kClockOdd ? "set this machine's clock" : "");
  }

  /// False when there are none that AWS accepts.
  bool aws(const AwsIdentity& identity) {
    client::Principal& who = registries_.principals().of(identity);
    const auto credentials = who.identity->credentials(context_);
    if (!credentials) return bad("aws credentials", credentials.error()), false;
    note(State::good, "aws credentials", "key " + credentials->keys.id + " from " + credentials->source);
    const auto caller = aws::get_caller_identity(*who.api, *who.identity, context_);
    if (!caller) return bad("aws identity", caller.error()), false;
    note(State::good, "aws identity", caller->arn);
    return true;
  }

  /// Then AWS has no part in it.
  bool has_chosen_login(registry::Repository& repository, const Reference& reference) {
    auth::Authorizer* authorizer = repository.registry().wire().authorizer();
    const auto chosen = authorizer->has_chosen_login(reference.repository, context_);
    return chosen && *chosen;
  }

  bool login(registry::Repository& repository) {
    registry::Registry& registry = repository.registry();
    const registry::Call call{.request = {.method = "GET", .url = registry.base().with_path("/v2/")},
                              .scope = {}};
    const registry::Purpose why{.text = "log in to " + registry.host(), .side = Side::source};
    const auto answer = registry.wire().send(why, call, context_);
    if (!answer) return bad("login", answer.error()), false;
    if (!answer->ok()) return bad("login", registry::answer_error(why, *answer)), false;
    note(State::good, "login", registry.host() + " lets us in");
    return true;
  }

  void image(registry::Repository& repository, const Reference& reference) {
    const std::string name = name_of(reference);
    const auto found = repository.resolve(name, context_);
    if (found) return note(State::good, "image", name + " is " + found->digest.to_string());
    // Nobody named an image, and the repository may well be there.
    const bool named = !reference.tag.empty() || reference.digest;
    const bool no_repository = found.error().http && says_no_repository(*found.error().http);
    if (!named && found.error().code == Errc::not_found && !no_repository)
      return note(State::warning, "image", "no image was named, and " + name + " is not there");
    bad("image", found.error());
  }

  static bool says_no_repository(const HttpFacts& http) {
    return std::ranges::find(http.codes, "NAME_UNKNOWN") != http.codes.end();
  }

  /// What a pull would ask for.
  static std::string name_of(const Reference& reference) {
    if (reference.digest) return reference.digest->to_string();
    return reference.tag.empty() ? "latest" : reference.tag;
  }

  void ecr_repository(const AwsIdentity& identity, const aws::EcrSite& site, const Reference& reference) {
    client::Principal& who = registries_.principals().of(identity);
    aws::EcrApi api(*who.api, *who.identity, site);
    const auto found = api.describe_repository(reference.repository, context_);
    if (found) {
      note(State::good, "repository",
           reference.repository + ", tags " + (found->mutability.empty() ? "MUTABLE" : found->mutability));
    } else if (found.error().code == Errc::denied) {
      note(State::skipped, "repository", found.error().message, found.error().hint);
    } else {
      Error error = found.error();
      if (error.code == Errc::not_found) error.hint = "davit ecr create " + reference.name() + " makes it";
      return bad("repository", error);
    }
    const std::vector<Digest> nothing = {Digest::of("")};
    if (const auto asked = api.check_layers(reference.repository, nothing, context_); !asked) {
      bad("may look for blobs", asked.error());
    } else {
      note(State::good, "may look for blobs", "ecr:BatchCheckLayerAvailability");
    }
    const std::vector<std::string> name = {name_of(reference)};
    if (const auto asked = api.get_images(reference.repository, name, context_); !asked) {
      bad("may read", asked.error());
    } else {
      note(State::good, "may read", "ecr:BatchGetImage");
      const bool named = !reference.tag.empty() || reference.digest;
      if (!asked->images.empty()) {
        note(State::good, "image", name.front() + " is there");
      } else if (named) {
        bad("image", make_error(Errc::not_found, name.front() + " is not there"));
      }
    }
    note(State::skipped, "may write", "only a push shows that");
  }

  client::Registries& registries_;
  net::Transport& transport_;
  const ClientOptions& options_;
  const CallContext context_;
  std::vector<Finding> findings_;
};

}  // namespace

Result<std::vector<Finding>> Client::examine(std::string_view reference, std::stop_token stop) {
  return Examination(impl_->registries, *impl_->transport, impl_->options, {.stop = std::move(stop)})
      .run(reference);
}

}  // namespace davit
