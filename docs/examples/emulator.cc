// A test of a program that pushes images, against an Amazon ECR inside the test itself:
//
//     emulator IMAGE.tar
//
// The tests build and run this program beside push.cc: tests/embed.

#include <iostream>

#include <davit/davit.h>
#include <davit/emulator.h>

namespace {

int failures = 0;

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "not so: " << what << '\n';
  ++failures;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: emulator IMAGE.tar\n";
    return 64;
  }

  // Ports are chosen by the system; everything ends with the object. value() throws what went wrong.
  davit::EmulatorOptions options;
  options.ecr = davit::EmulatedEcr{.account = "111122223333", .region = "eu-west-1"};
  davit::Emulator ecr = davit::Emulator::start(options).value();
  ecr.create_repository("app").value();

  // Here a token as `aws ecr get-login-password` would print it; ecr.environment() has what AWS's own tools
  // want.
  davit::ClientOptions client_options;
  client_options.credentials = {
      davit::fixed_credentials("", {.username = "AWS", .password = ecr.registry_password()})};
  davit::Client client{client_options};

  const auto pushed = client.push(argv[1], ecr.registry() + "/app:1");
  check(pushed.has_value(), "the image arrives");
  check(ecr.calls("PutImage") == 1, "with one manifest");

  // What is rare in the real thing comes when it is called.
  ecr.deny("PutImage");
  const auto denied = client.push(argv[1], ecr.registry() + "/app:2");
  check(!denied && denied.error().code == davit::Errc::denied, "a missing permission is reported as one");
  ecr.allow_everything();

  ecr.advance(std::chrono::hours(13));
  const auto expired = client.push(argv[1], ecr.registry() + "/app:3");
  check(!expired && expired.error().http && expired.error().http->status == 403,
        "tokens end after twelve hours");

  if (failures == 0) std::cout << "as it should be\n";
  return failures == 0 ? 0 : 1;
}
