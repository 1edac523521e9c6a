#pragma once

#include <davit/transfer.h>

#include "config/yaml_fields.h"

namespace davit::config {

/// How repositories are made: a mapping, which changes what is in `into`; true, or false for nothing.
Setter new_repository(std::optional<NewRepository>& into);

}  // namespace davit::config
