#include "reversed.h"

#include <unistd.h>

#include <davit/client.h>

#include "exit_code.h"
#include "ui/terminal_text.h"
#include "usage.h"

namespace davit::tool {
namespace {

bool is_there(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

bool names_host(const std::string& word) {
  if (word.starts_with("ecr:") || word.starts_with("docker://")) return true;
  const std::string host = word.substr(0, word.find('/'));
  const bool looks_like_host = host == "localhost" || host.find_first_of(".:") != std::string::npos;
  return host.size() < word.size() && looks_like_host && !registry_of(word, Side::destination).empty();
}

}  // namespace

bool is_surely_image(const std::string& word) {
  return names_host(word) && !is_there(word) && !is_there(word.substr(0, word.find('/')));
}

bool is_surely_file(const std::string& word) {
  if (is_there(word) || word.starts_with('/')) return true;
  const bool dotted = word.find('.') != std::string::npos && word.find_first_of(":@") == std::string::npos;
  return dotted && !names_host(word);
}

int complain_about_order(const std::string& command, const std::vector<std::string>& words) {
  std::string line = "davit " + command;
  for (const std::string& word : words) line += " " + printable(word, 300);
  return fail(usage("the arguments look reversed", line));
}

}  // namespace davit::tool
