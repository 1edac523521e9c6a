#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aws/identity.h"
#include "aws/timestamps.h"
#include "fakes.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

/// A machine with a home directory, variables, and whatever a script puts behind its network.
struct Scene {
  /// Answers what no other handler knows: nobody is there.
  static FakeTransport::Handler nobody() {
    return [](const davit::net::Request&) { return unreachable(); };
  }

  explicit Scene(FakeTransport::Handler handler = nobody()) : transport(std::move(handler)) {
    clock.set_wall(noon());
    variables["HOME"] = home.path().string();
    variables["AWS_EC2_METADATA_DISABLED"] = "true";
  }

  static davit::Clock::Wall noon() { return *davit::aws::parse_iso8601("2026-01-15T12:00:00Z"); }
  static std::string in(std::chrono::minutes minutes) { return davit::aws::format_iso8601(noon() + minutes); }

  /// Asks an identity that is made at the first call.
  davit::Result<davit::aws::Credentials> credentials() { return identity().credentials({}); }
  davit::aws::Identity& identity() {
    if (!made) made = davit::aws::make_identity(who, {variables}, transport, clock, {}, offset);
    return *made;
  }
  /// "id/secret/token from source", or the error.
  std::string outcome() {
    const auto found = credentials();
    if (!found) return std::string(davit::to_string(found.error().code)) + ": " + found.error().message;
    return found->keys.id + "/" + found->keys.secret.reveal() + "/" + found->keys.session_token.reveal() +
           " from " + found->source;
  }
  void config(std::string_view text) const { home.write(".aws/config", text); }
  void credentials_file(std::string_view text) const { home.write(".aws/credentials", text); }

  davit::AwsIdentity who;
  std::map<std::string, std::string> variables;
  davit::test::TempDir home;
  davit::test::FakeClock clock;
  FakeTransport transport;
  std::shared_ptr<davit::aws::ClockOffset> offset = std::make_shared<davit::aws::ClockOffset>();
  std::unique_ptr<davit::aws::Identity> made;
};

/// STS's answer with keys ROLE/role-secret/role-token.
inline davit::net::Response sts_answer(const std::string& end = Scene::in(std::chrono::minutes(60)),
                                       const std::string& operation = "AssumeRole",
                                       const std::string& id = "ROLE") {
  return answer(200, "<" + operation + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" +
                         operation + "Result><Credentials><AccessKeyId>" + id +
                         "</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>"
                         "<SessionToken>role-token</SessionToken><Expiration>" +
                         end +
                         "</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>"
                         "arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser></" +
                         operation + "Result></" + operation + "Response>");
}

inline davit::net::Response sts_refusal(int status, const std::string& code) {
  return answer(status, "<ErrorResponse><Error><Type>Sender</Type><Code>" + code +
                            "</Code><Message>words</Message></Error></ErrorResponse>");
}
