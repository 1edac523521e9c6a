#pragma once

#include <functional>
#include <string>

#include <davit/image.h>

#include "reading.h"

namespace davit::tool {

/// Opens what `source` names and hands the one image that it stands for to `look`, which returns the exit
/// code. Of an index that is the one for --platform, or for this machine, which is said on stderr.
int look_into(const std::string& source, const ReadingFlags& flags, const Signals& signals,
              const std::function<int(OpenedImage&, const Manifest&, const CallContext&)>& look);

/// The same with two.
struct TwoImages {
  const OpenedImage& first_source;
  const Manifest& first;
  const OpenedImage& second_source;
  const Manifest& second;
};
int look_into_both(const std::string& first, const std::string& second, const ReadingFlags& flags,
                   const Signals& signals,
                   const std::function<int(const TwoImages&, const CallContext&)>& look);

}  // namespace davit::tool
