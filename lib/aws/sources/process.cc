#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "auth/subprocess.h"
#include "aws/credential_answers.h"
#include "aws/shell_words.h"
#include "aws/sources.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

constexpr std::size_t kMessages = 4096;

bool is_program(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// A name without a slash is looked up in the absolute directories of PATH. Empty when it is nowhere.
std::string program_path(const std::string& name, std::string_view path) {
  if (name.find('/') != std::string::npos) return name;
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(folder.size() + 1, path.size()));
    if (!folder.starts_with('/')) continue;
    std::string program = std::string(folder) + "/" + name;
    if (is_program(program)) return program;
  }
  return {};
}

}  // namespace

Found from_process(const Inquiry& inquiry, const std::string& profile) {
  const Settings* settings = inquiry.setup.files.profile(profile);
  if (settings == nullptr || !settings->has("credential_process")) return std::optional<Credentials>();
  const std::string who = "profile " + escaped(profile, 60) + " (credential_process)";
  auto words = split_words(settings->text("credential_process"));
  if (!words) return words.error().with_context(who);
  if (words->empty()) return make_error(Errc::invalid_argument, who + ": there is no program");
  // Its arguments may hold secrets, and are not shown.
  const std::string name = escaped(words->front(), 100);
  const std::string program =
      program_path(inquiry.setup.expanded(words->front()), inquiry.setup.variable("PATH"));
  if (program.empty()) return make_error(Errc::unavailable, who + ": no program " + name + " on PATH");
  words->erase(words->begin());
  auto result = auth::run_process(program, *words, Secret(), {.messages = kMessages}, inquiry.context);
  if (!result) return result.error().with_context(who + ": " + name);
  if (result->exit_status > 0) {
    const std::string messages = escaped(result->messages, 300);
    return make_error(Errc::unauthenticated, who + ": " + name + " ended with status " +
                                                 std::to_string(result->exit_status) +
                                                 (messages.empty() ? "" : ": " + messages));
  }
  DAVIT_TRY(Credentials credentials, parse_process_answer(result->output.reveal(), who));
  return std::optional(std::move(credentials));
}

}  // namespace davit::aws
