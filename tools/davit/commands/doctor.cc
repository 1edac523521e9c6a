#include <memory>

#include <nlohmann/json.hpp>

#include "commands/commands.h"
#include "exit_code.h"
#include "shared_flags.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(look whether a registry can be reached, and what is allowed there

Proxy, name, TLS, clock, credentials, repository and permissions, a line each, with what would help. Nothing is
changed. The exit code is that of the first check that failed.)";

struct Flags {
  std::string reference;
  bool json = false;
  ConnectionFlags connection;
  OutputFlags output;
};

const char* word_of(Finding::State state) {
  switch (state) {
    case Finding::State::good:
      return "ok";
    case Finding::State::warning:
      return "warning";
    case Finding::State::bad:
      return "FAILED";
    case Finding::State::skipped:
      return "skipped";
  }
  return "";
}

std::string line_of(const Finding& finding, bool json) {
  if (json) {
    const nlohmann::json out = {{"check", finding.what},
                                {"state", word_of(finding.state)},
                                {"text", finding.text},
                                {"cure", finding.cure}};
    return out.dump() + "\n";
  }
  std::string line = word_of(finding.state);
  line.resize(9, ' ');
  line += finding.what;
  line.resize(std::max<std::size_t>(line.size() + 1, 29), ' ');
  line += finding.text;
  if (!finding.cure.empty()) line += " (" + finding.cure + ")";
  return line + "\n";
}

/// The registry in it is what the flags are for; without a slash, the whole is one.
std::string registry_name_of(const std::string& text) {
  return as_image(text.starts_with("ecr:") || text.find('/') != std::string::npos ? text : text + "/any");
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("doctor", kDescription);
  command->add_option("REF", flags->reference,
                      "a registry or a reference; without one, only AWS is looked at");
  with_environment(command->add_flag("--json", flags->json, "one JSON object a line"));
  flags->connection.add_to(*command);
  flags->connection.aws.add_to(*command, "", "");
  flags->output.add_to(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      Arguments arguments;
      if (!flags->reference.empty()) arguments.destinations = {registry_name_of(flags->reference)};
      auto options =
          flags->connection.client_options(flags->output.verbose, arguments, CredentialScope::destinations);
      if (!options) return fail(options.error());
      Client client(*std::move(options));
      const auto findings = client.examine(flags->reference, signals.stop());
      if (!findings) return fail(findings.error());
      int code = kOk;
      for (const Finding& finding : *findings) {
        if (!print(line_of(finding, flags->json))) return kLocal;
        if (finding.state == Finding::State::bad && code == kOk) code = exit_code(finding.code);
      }
      return code;
    };
  });
}

}  // namespace davit::tool
