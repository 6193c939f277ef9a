#include "engine/model_info.h"

#include <chrono>

namespace troika::engine {
namespace {

SamplingOptions recommended_sampling(const files::Metadata& m) {
  SamplingOptions s;
  // What makes no sense counts as unsaid.
  auto number = [&](const char* hf, const char* gguf, double neutral, double least, double most) {
    double value = m.number(hf).value_or(m.number(gguf).value_or(neutral));
    return static_cast<float>(value >= least && value <= most ? value : neutral);
  };
  s.temperature = number("generation.temperature", "general.sampling.temp", 1, 0, 100);
  s.top_p = number("generation.top_p", "general.sampling.top_p", 1, 0, 1);
  s.min_p = number("generation.min_p", "general.sampling.min_p", 0, 0, 1);
  s.repetition_penalty =
      number("generation.repetition_penalty", "general.sampling.penalty_repeat", 1, 0.01, 100);
  s.top_k = static_cast<int>(number("generation.top_k", "general.sampling.top_k", 0, 0, 1 << 20));
  return s;
}

// Numbered as in GGUF: 0 nothing said, 1 mean, 2 the first token, 3 the last, 4 a score.
Pooling pooling_of(const files::Metadata& m) {
  std::string key = std::string(m.text("general.architecture").value_or("")) + ".pooling_type";
  switch (m.integer(key).value_or(0)) {
    case 0:
    case 1: return Pooling::mean;
    case 3: return Pooling::last;
    default: return Pooling::other;
  }
}

std::string display_name(const files::ModelFile& file) {
  if (auto name = file.metadata().text("general.name"); name && !name->empty()) return std::string(*name);
  std::filesystem::path path = std::filesystem::absolute(file.path()).lexically_normal();
  return path.has_filename() ? path.stem().string() : path.parent_path().filename().string();
}

int64_t written_at(const std::filesystem::path& path) {
  auto written = std::filesystem::last_write_time(path).time_since_epoch();
  auto epoch = std::chrono::file_clock::to_sys(std::chrono::file_clock::time_point(written)).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(epoch).count();
}

}  // namespace

ModelInfo file_info(const files::ModelFile& file, const models::ModelSpec& spec) {
  ModelInfo info;
  info.name = display_name(file);
  info.path = file.path().string();
  info.architecture = spec.family;
  info.format = file.kind() == files::FileKind::gguf ? "gguf" : "safetensors";
  info.licence = file.metadata().text("general.license").value_or("");
  info.pooling = pooling_of(file.metadata());
  info.layers = spec.layers;
  info.width = spec.width;
  info.heads = spec.heads;
  info.kv_heads = spec.kv_heads;
  info.created = written_at(file.path());
  info.model_context_length = spec.context;
  info.vocabulary = spec.vocabulary;
  info.sampling = recommended_sampling(file.metadata());
  return info;
}

ModelInfo model_info(const Model& model, const EngineOptions& options) {
  ModelInfo info = file_info(*model.file, model.spec);
  info.quantisation = model.main_format;
  info.device = device_text(model);
  info.slice = options.slice;
  info.weight_bytes = model.weight_bytes;
  info.looked_up_bytes = model.looked_up_bytes;
  info.multiplied_weights = model.multiplied_weights;
  info.streamed_bytes = model.streamed_bytes;
  info.parameters = model.parameters;
  return info;
}

}  // namespace troika::engine
