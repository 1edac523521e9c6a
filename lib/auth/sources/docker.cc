#include <utility>

#include <davit/credentials.h>

#include "auth/docker_config.h"
#include "auth/helper.h"
#include "base/context.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit {
namespace {

using auth::DockerConfig;
using Found = std::optional<Credential>;

class DockerCredentials final : public CredentialSource {
 public:
  explicit DockerCredentials(DockerConfigOptions options) : options_(std::move(options)) {}

  Result<Found> find(const std::string& host, const std::string& repository,
                     const CallContext& context) override {
    const bool variable = options_.auth_file.empty() && !options_.docker_auth_config.empty();
    if (variable) {
      auto found =
          ask(options_.docker_auth_config.reveal(), DockerConfig::Format::config, host, repository, context);
      if (!found) return found.error().with_context("DOCKER_AUTH_CONFIG");
      if (*found) return found;
    }
    for (const auth::AuthFile& file : auth::auth_files(options_)) {
      DAVIT_TRY_VOID(check(context));
      DAVIT_TRY(const std::optional<Secret> text, read_auth_file(file));
      if (!text) continue;
      auto found = ask(text->reveal(), file.format, host, repository, context);
      if (!found) return found.error().with_context(escaped(file.path));
      if (*found) return found;
    }
    return Found();
  }

  [[nodiscard]] bool chosen() const override { return options_.chosen; }

 private:
  Result<Found> ask(const std::string& text, DockerConfig::Format format, const std::string& host,
                    const std::string& repository, const CallContext& context) const {
    DAVIT_TRY(const DockerConfig config, DockerConfig::parse(text, format));
    const std::string program = config.helper_for(host);
    if (!program.empty() && program != "davit") {  // docker-credential-davit would only ask us
      const auth::Helper helper{.name = program, .path = options_.path, .limit = options_.helper_timeout};
      const std::string key = auth::config_key_for(host);
      DAVIT_TRY(Found found, helper.get(key, context));
      // Podman's helpers know Docker Hub by its host name.
      if (!found && key != host) {
        DAVIT_TRY(found, helper.get(host, context));
      }
      if (found) return found;
    }
    return config.find(host, repository);
  }

  const DockerConfigOptions options_;
};

}  // namespace

std::shared_ptr<CredentialSource> docker_config_credentials(DockerConfigOptions options) {
  return std::make_shared<DockerCredentials>(std::move(options));
}

}  // namespace davit
