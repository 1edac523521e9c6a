#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "commands/commands.h"
#include "exit_code.h"
#include "words/completions.h"
#include "words/describe.h"
#include "words/man_page.h"

namespace davit::tool {
namespace {

Result<> write_text(const std::filesystem::path& path, const std::string& text) {
  std::error_code failed;
  std::filesystem::create_directories(path.parent_path(), failed);
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (out) return {};
  return Error{.code = Errc::local_io, .message = "write " + path.string() + ": " + std::strerror(errno)};
}

Result<> write_pages(const std::filesystem::path& folder, const CommandWords& davit) {
  for (const CommandWords* command : everything_in(davit)) {
    if (command == &davit) continue;  // that page is written by hand
    if (auto written = write_text(folder / (page_name(*command) + ".1"), man_page(*command, davit)); !written)
      return written;
  }
  return {};
}

Result<> write_own_page(const std::filesystem::path& folder, const std::string& from,
                        const CommandWords& davit) {
  std::ifstream in(from, std::ios::binary);
  const std::string page = with_commands({std::istreambuf_iterator<char>(in), {}}, davit);
  if (page.empty())
    return Error{.code = Errc::local_io,
                 .message = "read " + from + ": no page with a place for the commands"};
  return write_text(folder / "davit.1", page);
}

int generate(const std::string& folder, const std::string& page, const CommandWords& davit) {
  const std::filesystem::path share(folder);
  if (auto written = write_pages(share / "man/man1", davit); !written) return fail(written.error());
  if (!page.empty()) {
    if (auto written = write_own_page(share / "man/man1", page, davit); !written)
      return fail(written.error());
  }
  for (const std::string& shell : completed_shells()) {
    if (auto written = write_text(share / completion_path(shell), completion_script(shell, davit)); !written)
      return fail(written.error());
  }
  return kOk;
}

}  // namespace

/// For the build, and for nobody else: what is installed beside the program comes out of the program itself,
/// so that the two cannot differ.
void add_generate(CLI::App& app, Action& action) {
  struct Flags {
    std::string folder;
    std::string page;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("generate", "write manual pages and completions below DIR");
  command->group("");
  command->add_option("DIR", flags->folder, "what becomes share/")->required();
  command->add_option("PAGE", flags->page, "davit's own page, without the list of commands");
  command->callback([&app, flags, &action] {
    action = [&app, flags](const Signals&) {
      return generate(flags->folder, flags->page, describe(app, "davit"));
    };
  });
}

}  // namespace davit::tool
