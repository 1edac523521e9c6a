#pragma once

#include <string>
#include <string_view>

#include <davit/digest.h>
#include <davit/error.h>
#include <davit/result.h>

namespace davit::client {

/// What a command moves images between.
enum class Verb { push, pull, copy, index };
std::string_view to_string(Verb verb);

/// An argument that cannot be: it is quoted, unless it holds credentials. Code: invalid_argument.
Error bad_argument(std::string_view text, const std::string& why, std::string hint = {});

/// A tag that points elsewhere and is not to be moved. Code: already_exists.
Error tag_in_use(const std::string& name, const Digest& now, const Digest& wanted);

/// "davit copy SOURCE DESTINATION", for hints. What holds credentials is not repeated. Where there is no one
/// word for the source (indexes, images that a command has edited: `source` is empty) "write DESTINATION".
std::string command_line(Verb verb, std::string_view source, std::string_view destination);

/// A word that can only be meant as a file: a path's beginning, or the ending of an archive where no registry
/// is named (a tag may well end like a file).
bool names_path(std::string_view text);
/// The same, or a folder by the slash at its end.
bool names_file(std::string_view text);
/// ".tar" and its relatives, in upper case too.
bool ends_like(std::string_view text, std::string_view ending);

/// Whether there is something of that name, and whether it is a folder; links are followed.
bool is_there(const std::string& path);
bool is_directory(const std::string& path);

/// Transports of other tools that need a daemon or another tool's storage. Errors: invalid_argument, with the
/// line to use instead.
Result<> refuse_foreign_source(std::string_view text);
Result<> refuse_foreign_destination(std::string_view text, Verb verb, std::string_view source);

}  // namespace davit::client
