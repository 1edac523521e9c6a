#include "reading.h"

#include "exit_code.h"
#include "ui/terminal_text.h"

namespace davit::tool {

void ReadingFlags::add_to(CLI::App& command) {
  platform.add_to(command, "only this platform of an index, as linux/arm64");
  connection.add_to(command);
  connection.source_credentials.add_to(command, "src-", "");
  connection.aws.add_to(command, "", "");
  output.add_to(command);
}

Result<ClientOptions> ReadingFlags::client_options(std::vector<std::string> sources) const {
  return connection.client_options(output.verbose, {.sources = std::move(sources), .destinations = {}},
                                   CredentialScope::sources);
}

Result<OpenOptions> ReadingFlags::open_options(const Signals& signals) const {
  auto platforms = platform.chosen();
  if (!platforms) return platforms.error();
  auto limit = connection.time_limit();
  if (!limit) return limit.error();
  return OpenOptions{.platforms = *std::move(platforms),
                     .keep_index = keep_index,
                     .as_listed = as_listed,
                     .stop = signals.stop(),
                     .timeout = *limit};
}

Result<CallContext> ReadingFlags::context(const Signals& signals) const {
  auto limit = connection.time_limit();
  if (!limit) return limit.error();
  CallContext context{.stop = signals.stop(), .deadline = {}};
  if (*limit) context.deadline = std::chrono::steady_clock::now() + **limit;
  return context;
}

int look_at(const std::string& source, const ReadingFlags& flags, const Signals& signals,
            const std::function<int(Client&, OpenedImage&, const CallContext&)>& look) {
  auto settings = flags.client_options({source});
  if (!settings) return fail(settings.error());
  const auto options = flags.open_options(signals);
  if (!options) return fail(options.error());
  const auto context = flags.context(signals);
  if (!context) return fail(context.error());
  Client client(*std::move(settings));
  auto image = client.open(source, *options);
  if (!image) return fail(image.error());
  if (!flags.output.quiet) {
    for (const std::string& note : image->notes) say("note: " + image->name + ": " + note);
  }
  return look(client, *image, *context);
}

}  // namespace davit::tool
