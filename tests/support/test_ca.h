#pragma once

#include <string>
#include <vector>

#include "emulator/socket.h"

struct evp_pkey_st;
struct x509_st;

namespace davit::test {

using emulator::TlsIdentity;

/// From when to when a certificate is valid, in hours from now.
struct Validity {
  int from_hours = -24;
  int to_hours = 24;
};

/// A certificate authority for one test run: made in memory in a few milliseconds, known to nobody else.
class TestCa {
 public:
  TestCa();
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  [[nodiscard]] std::string certificate_pem() const;
  /// A server certificate for these host names and IPv4 addresses.
  [[nodiscard]] TlsIdentity issue(const std::vector<std::string>& names = {"localhost", "127.0.0.1"},
                                  Validity validity = {}) const;
  /// A certificate for `names` that nobody has signed but itself.
  [[nodiscard]] static TlsIdentity self_signed(const std::vector<std::string>& names = {"localhost",
                                                                                        "127.0.0.1"});

 private:
  evp_pkey_st* key_;
  x509_st* certificate_;
};

}  // namespace davit::test
