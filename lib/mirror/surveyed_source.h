#pragma once

#include <memory>

#include "mirror/survey.h"

namespace davit::mirror {

/// A repository as a source that does not ask what refers to an image where its survey shows that nothing
/// does. Co-owns both.
std::shared_ptr<ContentSource> surveyed(std::shared_ptr<registry::Repository> repository,
                                        std::shared_ptr<const Survey> survey);

}  // namespace davit::mirror
