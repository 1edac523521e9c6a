#include "archive/docker_manifest.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/try.h"
#include "model/json_fields.h"

namespace davit::archive {
namespace {

Result<DockerImage> parse_image(const nlohmann::json& object) {
  if (!object.is_object()) return make_error(Errc::corrupt, "an image that is not an object");
  DAVIT_TRY_VOID(refuse_case_variants(object, {"Config", "RepoTags", "Layers"}));
  DockerImage image;
  DAVIT_TRY(image.config, model::text_field(object, "Config"));
  DAVIT_TRY(image.layers, model::text_list_field(object, "Layers"));
  if (image.config.empty()) return make_error(Errc::corrupt, "an image without a Config");
  DAVIT_TRY(const auto tags, model::text_list_field(object, "RepoTags"));
  for (const std::string& tag : tags) {
    if (!tag.empty() && std::ranges::find(image.repo_tags, tag) == image.repo_tags.end())
      image.repo_tags.push_back(tag);
  }
  return image;
}

}  // namespace

Result<std::vector<DockerImage>> parse_docker_manifest(std::string_view bytes) {
  DAVIT_TRY(const nlohmann::json document, parse_json(bytes));
  if (!document.is_array()) return make_error(Errc::corrupt, "not a list of images");
  std::vector<DockerImage> images;
  for (const nlohmann::json& item : document) {
    DAVIT_TRY(DockerImage image, parse_image(item));
    const auto same = std::ranges::find_if(images, [&](const DockerImage& other) {
      return other.config == image.config && other.layers == image.layers;
    });
    if (same == images.end()) {
      images.push_back(std::move(image));
      continue;
    }
    for (std::string& tag : image.repo_tags) {
      if (std::ranges::find(same->repo_tags, tag) == same->repo_tags.end())
        same->repo_tags.push_back(std::move(tag));
    }
  }
  return images;
}

std::string docker_manifest(const std::vector<DockerImage>& images) {
  auto document = nlohmann::ordered_json::array();
  for (const DockerImage& image : images) {
    nlohmann::ordered_json entry{{"Config", image.config}, {"RepoTags", nullptr}, {"Layers", image.layers}};
    if (!image.repo_tags.empty()) entry["RepoTags"] = image.repo_tags;  // docker save writes null as well
    document.push_back(std::move(entry));
  }
  return document.dump();
}

}  // namespace davit::archive
