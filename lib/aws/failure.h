#pragma once

#include <string_view>

#include "aws/api.h"

namespace davit::aws {

/// What a code asks for. LimitExceededException is none of these: it is a quota of things, and stays full.
bool is_throttling(std::string_view code);
bool is_transient(const ApiFailure& failure);
bool is_expired_token(std::string_view code);

/// Codes that a wrong clock causes, if perhaps among other things.
bool may_be_clock_skew(std::string_view code);

}  // namespace davit::aws
