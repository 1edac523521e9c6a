#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <davit/emulator.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "shared_flags.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(run a registry, or an Amazon ECR, on loopback for tests

Images are kept in memory, or in the OCI layout DIR, which one server at a time uses and which with --ecr also
keeps the settings of the repositories. When it listens it prints one line; SIGINT and SIGTERM end it at once.

An IPv6 address is written as [::1]:5000; port 0 picks a free one. With --env-file, clients in a shell read
where it is: DAVIT_REGISTRY, and with --ecr DAVIT_ECR_ENDPOINT, DAVIT_ECR_REGISTRIES and the usual AWS_
variables. The file has mode 0600, appears when the server is ready and goes with it. --access-log has for each
request the listener, method, path, status, bytes in and out, milliseconds, and the API's operation.

  davit serve --ecr --env-file ecr.env &
  . ./ecr.env
  davit push app.tar "$DAVIT_REGISTRY/app:1" --create-repo)";

struct Flags {
  std::string folder;
  std::string listen = "127.0.0.1:5000";
  bool tls = false;
  bool ecr = false;
  std::string account;
  std::string region;
  std::vector<std::string> modes;
  std::string env_file;
  std::string certificate;
  std::string access_log;
  bool allow_remote = false;
};

Error cannot_write(const std::string& path) {
  return {.code = Errc::local_io, .message = "write " + path + ": " + std::strerror(errno)};
}

/// Whole or not at all, and for nobody else to read.
Result<> write_privately(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".davit-" + std::to_string(::getpid());
  ::unlink(fresh.c_str());  // of a process that had this number before
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return cannot_write(path);
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
    if (n <= 0) break;
    at += static_cast<std::size_t>(n);
  }
  Result<> result;
  if (at < text.size() || ::fchmod(fd, 0600) != 0) result = cannot_write(path);
  ::close(fd);
  if (result && std::rename(fresh.c_str(), path.c_str()) != 0) result = cannot_write(path);
  if (!result) ::unlink(fresh.c_str());
  return result;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// The access log: one JSON object per line, each written in one piece.
class LogFile {
 public:
  LogFile() = default;
  ~LogFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  Result<> open(const std::string& path) {
    file_ = std::fopen(path.c_str(), "ae");
    return file_ == nullptr ? Result<>(cannot_write(path)) : Result<>();
  }

  void write(const EmulatorAccess& access) {
    nlohmann::ordered_json line = {{"listener", access.listener},
                                   {"method", access.method},
                                   {"path", access.path},
                                   {"status", access.status},
                                   {"bytes_in", access.bytes_in},
                                   {"bytes_out", access.bytes_out},
                                   {"milliseconds", static_cast<double>(access.duration.count()) / 1000.0}};
    if (!access.operation.empty()) line["operation"] = access.operation;
    const std::string text =
        line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    const std::scoped_lock lock(mutex_);
    std::fwrite(text.data(), 1, text.size(), file_);
    std::fflush(file_);
  }

 private:
  std::mutex mutex_;
  std::FILE* file_ = nullptr;
};

std::string mode_list() {
  std::string out =
      "Modes of --ecr, as --mode NAME=VALUE. The value in brackets holds unless you say another.\n";
  for (const auto& mode : Emulator::modes()) {
    out += "\n" + std::string(mode.name) + "=" + std::string(mode.values) + " [" + std::string(mode.initial) +
           "]\n    " + std::string(mode.help) + "\n";
  }
  return out;
}

Result<EmulatorOptions> emulator_options(const Flags& flags) {
  EmulatorOptions options{
      .listen = flags.listen, .folder = flags.folder, .allow_remote = flags.allow_remote, .tls = flags.tls};
  if (!flags.ecr) {
    if (!flags.modes.empty() || !flags.account.empty() || !flags.region.empty()) {
      return Error{.code = Errc::invalid_argument,
                   .message = "--mode, --account and --region say what kind of ECR it is",
                   .hint = "add --ecr"};
    }
    return options;
  }
  options.ecr.emplace();
  if (!flags.account.empty()) options.ecr->account = flags.account;
  if (!flags.region.empty()) options.ecr->region = flags.region;
  for (const auto& mode : flags.modes) {
    const auto equals = mode.find('=');
    if (equals == std::string::npos) {
      return Error{.code = Errc::invalid_argument,
                   .message = "--mode " + mode + " has no value",
                   .hint = "write --mode NAME=VALUE; --mode help lists them"};
    }
    options.ecr->modes[mode.substr(0, equals)] = mode.substr(equals + 1);
  }
  return options;
}

/// The env file: its being there says that the server is. Gone with the server.
class EnvironmentFile {
 public:
  explicit EnvironmentFile(std::string path) : path_(std::move(path)) { remove(); }  // of an earlier server
  ~EnvironmentFile() { remove(); }
  EnvironmentFile(const EnvironmentFile&) = delete;
  EnvironmentFile& operator=(const EnvironmentFile&) = delete;

 private:
  void remove() const {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::string path_;
};

/// Where the certificate is written: where somebody said, else beside the env file, else nowhere.
std::string certificate_path(const Flags& flags) {
  if (!flags.tls || (flags.certificate.empty() && flags.env_file.empty())) return {};
  return std::filesystem::absolute(flags.certificate.empty() ? flags.env_file + ".pem" : flags.certificate)
      .string();
}

/// What a shell needs to know; `trusted` is the file of the certificate, if any.
Result<> write_environment(const Emulator& emulator, const std::string& path, const std::string& trusted) {
  auto variables = emulator.environment();
  if (!trusted.empty()) {
    variables["DAVIT_CA_FILE"] = trusted;
    if (!emulator.api_url().empty()) variables["AWS_CA_BUNDLE"] = trusted;
  }
  // What belongs to other keys, or would lead elsewhere.
  std::string text;
  if (!emulator.api_url().empty()) {
    text =
        "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ROLE_ARN "
        "AWS_WEB_IDENTITY_TOKEN_FILE AWS_ENDPOINT_URL_ECR AWS_ENDPOINT_URL_ECR_PUBLIC AWS_ENDPOINT_URL_STS "
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_USE_FIPS_ENDPOINT AWS_USE_DUALSTACK_ENDPOINT\n";
  }
  for (const auto& [name, value] : variables) text += "export " + name + "=" + quoted(value) + "\n";
  return write_privately(path, text);
}

void wait_for(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, stop, [&] { return stop.stop_requested(); });
}

int serve(const Flags& flags, const Signals& signals) {
  if (std::ranges::find(flags.modes, "help") != flags.modes.end()) return print(mode_list()) ? kOk : kLocal;
  auto options = emulator_options(flags);
  if (!options) return fail(options.error());
  if (!flags.certificate.empty() && !flags.tls) {
    return fail({.code = Errc::invalid_argument,
                 .message = "--certificate without --tls: there is none",
                 .hint = "add --tls"});
  }
  const EnvironmentFile environment(flags.env_file);
  LogFile log;
  if (!flags.access_log.empty()) {
    if (auto opened = log.open(flags.access_log); !opened) return fail(opened.error());
    options->access_log = [&log](const EmulatorAccess& access) { log.write(access); };
  }
  auto emulator = Emulator::start(*options);
  if (!emulator) return fail(emulator.error());
  const std::string trusted = certificate_path(flags);
  if (!trusted.empty()) {
    if (auto written = write_privately(trusted, emulator->certificate()); !written)
      return fail(written.error());
  }
  if (!flags.env_file.empty()) {
    if (auto written = write_environment(*emulator, flags.env_file, trusted); !written)
      return fail(written.error());
  }
  std::string line = "listening on " + emulator->registry();
  if (options->ecr) {
    line += " as ECR " + options->ecr->account + "." + options->ecr->region + ", API " + emulator->api_url();
  }
  if (flags.tls)
    line +=
        trusted.empty() ? ", with a certificate that --certificate FILE writes" : ", certificate " + trusted;
  if (!print(line + "\n")) return kLocal;
  wait_for(signals.stop());
  return kOk;  // main() ends the process by the signal
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("serve", kDescription);
  const auto add = [&](const std::string& name, auto& value, const std::string& help) {
    return with_environment(command->add_option(name, value, help));
  };
  const auto add_flag = [&](const std::string& name, bool& value, const std::string& help) {
    with_environment(command->add_flag(name, value, help));
  };
  command->add_option("DIR", flags->folder,
                      "an OCI layout that keeps the images; without it they are in memory");
  add("--listen", flags->listen, "where (127.0.0.1:5000, [::1]:5000); port 0 picks a free one")
      ->type_name("HOST:PORT");
  add_flag("--allow-remote", flags->allow_remote,
           "permit an address that other machines reach; nothing protects it");
  add_flag("--tls", flags->tls, "talk TLS with a certificate of its own, see --certificate");
  add("--certificate", flags->certificate,
      "write the certificate of --tls to this file; otherwise to the --env-file with .pem behind")
      ->type_name("FILE");
  add_flag("--ecr", flags->ecr,
           "behave as Amazon ECR: API, STS and credential endpoints, registry, blob store");
  // Not from the environment: there DAVIT_REGION is whom davit talks to, and this is who it plays.
  command->add_option("--account", flags->account, "the account of --ecr (123456789012)")->type_name("ID");
  command->add_option("--region", flags->region, "the region of --ecr (us-east-1)")->type_name("REGION");
  add("--mode", flags->modes, "a behaviour of --ecr; may be repeated, \"--mode help\" lists them")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  add("--env-file", flags->env_file, "write shell exports for clients to this file, when ready")
      ->type_name("FILE");
  add("--access-log", flags->access_log, "append one line of JSON per request to this file")
      ->type_name("FILE");
  command->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return serve(*flags, signals); }; });
}

}  // namespace davit::tool
